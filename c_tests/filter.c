/* Filters: what passes is found and nothing else, through changes of the rows, and at the edges. */
#include "harness.h"

enum { DIM = 8, K = 10 };

/* Every result is one of `ids` (or none of them), and `count` rows pass in all. */
static void passes(vdb *db, const vdb_filter *filter, const uint64_t *ids, size_t n, bool allow, uint64_t count) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  float query[DIM], distances[K], exact_distances[K];
  uint64_t found[K], exact[K], passing = 0;
  uint32_t found_count = 0, exact_count = 0;
  params.filter = filter;
  fill_noise(query, DIM, 77);
  CHECK_OK(vdb_count(db, filter, &passing, &error));
  CHECK_U64(count, passing);
  REQUIRE_OK(vdb_search(db, query, 1, DIM, 0, K, &params, found, distances, &found_count, &error));
  REQUIRE_OK(vdb_search_exact(db, query, 1, DIM, 0, K, &params, exact, exact_distances, &exact_count, &error));
  CHECK_U64(count < K ? count : K, found_count);
  CHECK_U64(found_count, exact_count);
  for (uint32_t i = 0; i < found_count; i++) {
    bool named = false, named_exactly = false;
    for (size_t j = 0; j < n; j++) {
      named |= ids[j] == found[i];
      named_exactly |= ids[j] == exact[i];
    }
    CHECK(named == allow && named_exactly == allow);
  }
}

static void only_rows_that_pass_are_found(void) {
  enum { ROWS = 2500, NAMED = 45 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  uint64_t ids[NAMED], gone = 0;
  vdb_filter *allow = NULL, *deny = NULL, *none = NULL;
  insert_noise(db, 0, ROWS, DIM);
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  for (uint64_t i = 0; i < NAMED; i++) ids[i] = i * 61; /* the last ones do not exist */
  uint64_t there = 0;
  for (int i = 0; i < NAMED; i++) there += ids[i] < ROWS;
  REQUIRE_OK(vdb_filter_ids(ids, NAMED, 1, &allow, &error));
  REQUIRE_OK(vdb_filter_ids(ids, NAMED, 0, &deny, &error));
  REQUIRE_OK(vdb_filter_ids(NULL, 0, 1, &none, &error));
  CHECK(allow && deny && none);
  passes(db, allow, ids, NAMED, true, there);
  passes(db, deny, ids, NAMED, false, ROWS - there);
  passes(db, none, ids, 0, true, 0);
  CHECK_OK(vdb_delete_batch(db, ids, 5, &gone, &error));
  passes(db, allow, ids, NAMED, true, there - 5);
  insert_noise(db, ROWS, 61, DIM);
  passes(db, allow, ids, NAMED, true, there - 5 + 1);
  passes(db, deny, ids, NAMED, false, ROWS - there + 60);

  /* Another database, and back. */
  vdb *other = open_db(NULL, DIM);
  insert_noise(other, 0, 62, DIM);
  passes(other, allow, ids, NAMED, true, 2);
  passes(db, allow, ids, NAMED, true, there - 5 + 1);
  CHECK_OK(vdb_close(other, &error));
  passes(db, deny, ids, NAMED, false, ROWS - there + 60);
  CHECK_OK(vdb_close(db, &error));
  vdb_filter_free(allow);
  vdb_filter_free(deny);
  vdb_filter_free(none);
}

static void wrong_filters_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  uint64_t ids[3] = {4, VDB_ID_NONE, 9}, id = 0, count = 0;
  float query[DIM] = {1}, distance;
  vdb *db = open_db(NULL, DIM);
  vdb_filter *filter = (vdb_filter *)db;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_filter_ids(ids, 3, 1, &filter, &error));
  CHECK_U64(1, error.item);
  CHECK(filter == NULL);
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_filter_ids(NULL, 3, 1, &filter, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_filter_ids(ids, 1, 1, NULL, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_filter_ids(ids, SIZE_MAX / 2, 1, &filter, &error));

  /* A handle of another kind, and one that was freed. */
  params.filter = (const vdb_filter *)db;
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_search(db, query, 1, DIM, 0, 1, &params, &id, &distance, NULL, &error));
  REQUIRE_OK(vdb_filter_ids(ids, 1, 1, &filter, &error));
  params.filter = filter;
  vdb_filter_free(filter);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_search(db, query, 1, DIM, 0, 1, &params, &id, &distance, NULL, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_count(db, filter, &count, &error));
  vdb_filter_free(filter);
  vdb_filter_free(NULL);

  /* A program that was compiled before there were filters. */
  params.struct_size = 40;
  params.filter = NULL;
  CHECK_OK(vdb_search(db, query, 1, DIM, 0, 1, &params, &id, &distance, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(filter) = {
    TEST(only_rows_that_pass_are_found),
    TEST(wrong_filters_are_refused),
    END_OF_TESTS,
};
