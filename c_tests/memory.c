/* The limit on memory, VDB_OPT_MAX_MEMORY: what passes it is refused whole, and nothing else stops. And the
 * limit of one search, max_memory of its parameters. */
#include "harness.h"

enum { DIM = 256, BATCH = 1000 };
#define LIMIT "16777216"

static const char *const LIMITED[] = {"runtime.max_memory", LIMIT, "index.graph_min_rows", "1000",
                                      "hnsw.ef_construction", "8", "hnsw.m", "8", "storage.durability", "none", NULL};

/* Inserts batches until one is refused; returns the number of rows there are then. */
static uint64_t fill(vdb *db, uint64_t at_most, vdb_error_t *error) {
  float *rows = malloc(sizeof *rows * BATCH * DIM);
  uint64_t ids[BATCH], count = 0;
  while (rows != NULL && count < at_most) {
    for (uint64_t i = 0; i < BATCH; i++) ids[i] = count + i;
    fill_noise(rows, (size_t)BATCH * DIM, count);
    if (vdb_insert_batch(db, ids, rows, BATCH, DIM, 0, VDB_SCALAR_F32, NULL, error) != VDB_OK) break;
    count += BATCH;
  }
  free(rows);
  return count;
}

static vdb_stats_t stats_of(vdb *db) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  return stats;
}

static void limits_too_small_to_work_with_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = NULL;
  REQUIRE_OK(vdb_options_new(&options, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_u64(options, VDB_OPT_MAX_MEMORY, 1 << 20, &error));
  CHECK(strstr(error.message, "runtime.max_memory") != NULL);
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_MAX_MEMORY, 0, &error));
  vdb_options_free(options);
}

static void a_full_database_in_memory_still_reads_and_deletes(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, DIM, LIMITED);
  REQUIRE(db != NULL);
  CHECK_U64(0, stats_of(db).live);
  CHECK_U64(strtoull(LIMIT, NULL, 10), stats_of(db).bytes_memory_max);
  uint64_t rows = fill(db, 1000000, &error), count = 0, deleted = 0, id = UINT64_MAX - 1;
  CHECK(rows > 0 && error.code == VDB_ERR_LIMIT && strstr(error.message, "runtime.max_memory") != NULL);
  vdb_stats_t stats = stats_of(db);
  CHECK(stats.bytes_memory <= stats.bytes_memory_max && stats.bytes_memory > stats.bytes_memory_max / 4);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(rows, count);

  /* The same batch again: refused again, and again nothing has changed. */
  float *values = malloc(sizeof *values * BATCH * DIM), distance = 1;
  uint64_t ids[BATCH], near = 0;
  REQUIRE(values != NULL);
  fill_noise(values, (size_t)BATCH * DIM, 7);
  /* Graph work that ended meanwhile may have given memory back: then it fits, a few times. */
  vdb_status_t again = VDB_OK;
  for (int tries = 0; tries < 50 && again == VDB_OK; tries++) {
    for (uint64_t i = 0; i < BATCH; i++) ids[i] = rows + i;
    again = vdb_insert_batch(db, ids, values, BATCH, DIM, 0, VDB_SCALAR_F32, NULL, &error);
    if (again == VDB_OK) rows += BATCH;
  }
  CHECK_STATUS(VDB_ERR_LIMIT, again);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(rows, count);

  /* A search for one row, a search for all, a delete; graph work ends or says that it cannot. */
  fill_noise(values, DIM, 0);
  CHECK_OK(vdb_search(db, values, 1, DIM, 0, 1, NULL, &near, &distance, NULL, &error));
  CHECK(near == 0 && distance == 0);
  id = 0;
  CHECK_OK(vdb_delete_batch(db, &id, 1, &deleted, &error));
  CHECK_U64(1, deleted);
  CHECK_OK(vdb_search(db, values, 1, DIM, 0, 1, NULL, &near, &distance, NULL, &error));
  CHECK(near != 0);
  vdb_status_t waited = vdb_wait_indexed(db, NULL, &error);
  CHECK(waited == VDB_OK || waited == VDB_ERR_LIMIT);
  CHECK(waited == VDB_OK || stats_of(db).unindexed > 0);
  free(values);
  CHECK_OK(vdb_close(db, &error));
}

/* On disk what is full is left to mapped files: four times the limit goes in. */
static void a_database_on_disk_outgrows_the_limit(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("outgrows");
  uint64_t wanted = quick() ? 5000 : 60000, count = 0, near = UINT64_MAX;
  vdb *db = open_db_with(path, DIM, LIMITED);
  REQUIRE(db != NULL);
  uint64_t rows = fill(db, wanted, &error);
  CHECK(rows == wanted || error.code == VDB_ERR_LIMIT);
  CHECK(quick() || rows * DIM * sizeof(float) > 2 * strtoull(LIMIT, NULL, 10));
  vdb_stats_t stats = stats_of(db);
  CHECK(stats.bytes_memory <= stats.bytes_memory_max);
  CHECK_U64(rows, stats.live);
  CHECK_OK(vdb_close(db, &error));
  db = open_db_with(path, DIM, LIMITED);
  REQUIRE(db != NULL);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(rows, count);
  float query[DIM], distance = 1;
  fill_noise(query, DIM, 0);
  CHECK_OK(vdb_search_exact(db, query, 1, DIM, 0, 1, NULL, &near, &distance, NULL, &error));
  CHECK(near == 0 && distance == 0);
  CHECK_OK(vdb_close(db, &error));
}

static void what_needs_more_than_the_limit_does_not_open(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("large");
  static const char *const READ[] = {"runtime.max_memory", "16777216", "storage.mmap", "off", NULL};
  vdb *db = open_db_with(path, 1024, (const char *const[]){"index.graph_min_rows", "10000", NULL});
  for (uint64_t first = 0; first < 8000; first += 1000) insert_noise(db, first, 1000, 1024);
  CHECK_OK(vdb_close(db, &error));
  vdb_options *options = NULL;
  REQUIRE_OK(vdb_options_new(&options, &error));
  for (int i = 0; READ[i] != NULL; i += 2) CHECK_OK(vdb_options_set_text(options, READ[i], READ[i + 1], &error));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_open(path, options, &db, &error));
  CHECK(db == NULL && strstr(error.message, "runtime.max_memory") != NULL);
  CHECK_OK(vdb_options_set_text(options, "storage.mmap", "on", &error));
  CHECK_OK(vdb_open(path, options, &db, &error));
  CHECK_OK(vdb_close(db, &error));
  vdb_options_free(options);
}

/* Vectors that codes stand in for are neither in memory nor returned as they were; the statistics say so. */
static void vectors_are_given_up_where_that_was_asked_for(void) {
  enum { WIDE = 1024, ROWS = 4200 };
  static const char *const DROPPED[] = {"schema.quant", "sq8", "schema.originals", "drop", "hnsw.ef_construction", "8",
                                        "hnsw.m", "4", NULL};
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, WIDE, DROPPED);
  REQUIRE(db != NULL);
  float *rows = malloc(sizeof *rows * ROWS * WIDE), *row = malloc(sizeof *row * WIDE);
  uint64_t *ids = malloc(sizeof *ids * ROWS), value = 0, near = 0;
  REQUIRE(rows != NULL && row != NULL && ids != NULL);
  for (uint64_t i = 0; i < ROWS; i++) ids[i] = i;
  fill_noise(rows, (size_t)ROWS * WIDE, 1);
  CHECK_OK(vdb_insert_batch(db, ids, rows, ROWS, WIDE, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_ORIGINALS, &value, &error));
  CHECK_U64(VDB_ORIGINALS_DROP, value);
  vdb_stats_t stats = stats_of(db);
  CHECK_U64(VDB_ORIGINALS_DROP, stats.originals);
  CHECK_U64(4096, stats.decoded);
  CHECK_U64((ROWS - 4096) * 4 * WIDE, stats.bytes_vectors);
  CHECK_U64(ROWS * WIDE, stats.bytes_codes);
  uint8_t found = 0;
  CHECK_OK(vdb_get_batch(db, ids + 7, 1, WIDE, VDB_SCALAR_F32, row, 0, &found, &error));
  CHECK(found == 1 && memcmp(row, rows + 7 * WIDE, sizeof *row * WIDE) != 0);
  for (size_t i = 0; i < WIDE; i++) CHECK(row[i] - rows[7 * WIDE + i] < 0.02f && rows[7 * WIDE + i] - row[i] < 0.02f);
  float distance = -1;
  uint32_t count = 0;
  vdb_search_params_t exact = VDB_SEARCH_PARAMS_INIT;
  exact.flags = VDB_SEARCH_EXACT;
  CHECK_OK(vdb_search(db, rows + 7 * WIDE, 1, WIDE, 0, 1, &exact, &near, &distance, &count, &error));
  CHECK(count == 1 && near == 7 && distance > 0 && distance < 0.1f);
  free(rows);
  free(row);
  free(ids);
  CHECK_OK(vdb_close(db, &error));

  static const char *const SENSELESS[] = {"schema.quant", "none", "schema.originals", "drop", NULL};
  vdb_options *options = NULL;
  REQUIRE_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, 4, &error));
  for (size_t i = 0; SENSELESS[i] != NULL; i += 2)
    CHECK_OK(vdb_options_set_text(options, SENSELESS[i], SENSELESS[i + 1], &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_open(NULL, options, &db, &error));
  CHECK(strstr(error.message, "schema.originals") != NULL);
  vdb_options_free(options);
}

/* Too little for k results is refused, a little finds k rows and perhaps not the nearest, enough finds all. */
static void one_search_keeps_to_its_own_limit(void) {
  enum { ROWS = 3000, SHORT = 16, K = 10 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, SHORT, (const char *const[]){"schema.quant", "none", NULL});
  float query[SHORT], distances[K], whole_distances[K], exact_distances[K];
  uint64_t ids[K], whole[K], exact[K];
  uint32_t count = 0;
  size_t found = 0;
  int refused = 0, partial = 0, complete = 0;
  insert_noise(db, 1, ROWS, SHORT);
  REQUIRE_OK(vdb_wait_indexed(db, NULL, &error));
  fill_noise(query, SHORT, 99);
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  params.ef = 250;
  REQUIRE_OK(vdb_search(db, query, 1, SHORT, 0, K, &params, whole, whole_distances, NULL, &error));
  REQUIRE_OK(vdb_search_exact(db, query, 1, SHORT, 0, K, NULL, exact, exact_distances, NULL, &error));
  for (params.max_memory = 50; params.max_memory < 10000; params.max_memory += params.max_memory / 8) {
    vdb_status_t status = vdb_search(db, query, 1, SHORT, 0, K, &params, ids, distances, &count, &error);
    if (status == VDB_ERR_LIMIT) {
      CHECK(partial == 0 && complete == 0 && strstr(error.message, "max_memory") != NULL);
      refused++;
      continue;
    }
    CHECK(status == VDB_OK || status == VDB_PARTIAL);
    CHECK_U64(K, count);
    status == VDB_OK ? complete++ : partial++;
    if (status == VDB_OK) CHECK(memcmp(ids, whole, sizeof ids) == 0 || memcmp(ids, exact, sizeof ids) == 0);
  }
  CHECK(refused > 3 && partial > 3 && complete > 3);
  params.max_memory = 100;
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_search(db, query, 1, SHORT, 0, K, &params, ids, distances, NULL, &error));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_search_range(db, query, SHORT, 1e9f, K, &params, ids, distances, &found, &error));
  params.max_memory = 9 * SHORT + 5 * 16; /* the query and five results */
  CHECK_STATUS(VDB_PARTIAL, vdb_search_range(db, query, SHORT, 1e9f, K, &params, ids, distances, &found, &error));
  CHECK(found == 5 && memcmp(ids, exact, found * sizeof *ids) == 0 && ids[found] == VDB_ID_NONE);
  /* Three queries: each has as much to itself. */
  float three[3 * SHORT], near[3];
  uint64_t three_ids[3];
  for (int i = 0; i < 3; i++) memcpy(three + i * SHORT, query, sizeof query);
  params = (vdb_search_params_t){.struct_size = sizeof params, .max_memory = 100000};
  CHECK_OK(vdb_search(db, three, 3, SHORT, 0, 1, &params, three_ids, near, NULL, &error));
  CHECK(three_ids[0] == exact[0] && three_ids[2] == exact[0]);
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(memory) = {
    TEST(limits_too_small_to_work_with_are_refused),
    TEST(a_full_database_in_memory_still_reads_and_deletes),
    TEST(a_database_on_disk_outgrows_the_limit),
    TEST(what_needs_more_than_the_limit_does_not_open),
    TEST(vectors_are_given_up_where_that_was_asked_for),
    TEST(one_search_keeps_to_its_own_limit),
    END_OF_TESTS,
};
