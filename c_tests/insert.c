/* Writes and point reads: what goes in comes out, and what must not go in changes nothing. */
#include "harness.h"

#include <math.h>

static uint64_t count_of(vdb *db) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t count = UINT64_MAX;
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  return count;
}

static vdb_status_t insert(vdb *db, const uint64_t *ids, const float *vectors, size_t count, size_t dim, vdb_error_t *e) {
  return vdb_insert_batch(db, ids, vectors, count, dim, 0, VDB_SCALAR_F32, NULL, e);
}

static void rows_come_back_as_they_went_in(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 3);
  const uint64_t ids[] = {0, 7, UINT64_MAX - 1};
  const float rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  REQUIRE_OK(insert(db, ids, rows, 3, 3, &error));

  const uint64_t asked[] = {UINT64_MAX - 1, 5, 0};
  float out[15];
  uint8_t found[3] = {9, 9, 9};
  for (int i = 0; i < 15; i++) out[i] = -1;
  /* Rows 5 floats apart: the gaps, and the row of an unknown id, stay as they are. */
  CHECK_OK(vdb_get_batch(db, asked, 3, 3, VDB_SCALAR_F32, out, 5 * sizeof(float), found, &error));
  CHECK(found[0] == 1 && found[1] == 0 && found[2] == 1);
  CHECK(out[0] == 7 && out[1] == 8 && out[2] == 9 && out[3] == -1 && out[4] == -1);
  CHECK(out[5] == -1 && out[7] == -1 && out[10] == 1 && out[12] == 3);
  CHECK_OK(vdb_close(db, &error));
}

static void gaps_and_odd_addresses_are_fine(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  unsigned char memory[64];
  const uint64_t ids[] = {1, 2};
  const float first[] = {1, 2}, second[] = {3, 4};
  float out[4] = {0};
  uint8_t found[2];
  memcpy(memory + 1, first, sizeof first);
  memcpy(memory + 1 + 13, second, sizeof second);
  CHECK_OK(vdb_insert_batch(db, ids, memory + 1, 2, 2, 13, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_get_batch(db, ids, 2, 2, VDB_SCALAR_F32, out, 0, found, &error));
  CHECK(out[0] == 1 && out[1] == 2 && out[2] == 3 && out[3] == 4);
  CHECK_OK(vdb_close(db, &error));
}

static void every_scalar_type_is_stored(void) {
  static const char *const names[] = {"f32", "f16", "bf16", "i8", "u8"};
  vdb_error_t error = VDB_ERROR_INIT;
  const float rows[] = {0, 1, 2, 64, 100, 127, 3, 4};
  const uint64_t ids[] = {1, 2};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    vdb *db = open_db_with(NULL, 4, (const char *const[]){"schema.scalar", names[i], NULL});
    float out[8] = {0};
    uint8_t found[2];
    CHECK_OK(insert(db, ids, rows, 2, 4, &error));
    CHECK_OK(vdb_get_batch(db, ids, 2, 4, VDB_SCALAR_F32, out, 0, found, &error));
    CHECK(memcmp(rows, out, sizeof out) == 0);
    CHECK_OK(vdb_close(db, &error));
  }
  vdb *db = open_db_with(NULL, 10, (const char *const[]){"schema.scalar", "b1", "schema.metric", "hamming", NULL});
  const uint8_t bits[] = {0xff, 0x03, 0x01, 0x02};
  uint8_t out[4] = {0}, found[2];
  CHECK_OK(vdb_insert_batch(db, ids, bits, 2, 10, 0, VDB_SCALAR_B1, NULL, &error));
  CHECK_OK(vdb_get_batch(db, ids, 2, 10, VDB_SCALAR_B1, out, 0, found, &error));
  CHECK(memcmp(bits, out, sizeof out) == 0);
  CHECK_STATUS(VDB_ERR_MISMATCH, insert(db, ids, rows, 0 + 1, 10, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* To bytes only what a byte holds exactly: nothing is rounded or cut silently. */
static void bytes_take_whole_numbers_in_range_only(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, 2, (const char *const[]){"schema.scalar", "u8", NULL});
  const uint64_t ids[] = {1, 2, 3};
  const float fraction[] = {1, 2, 3, 4.5f}, large[] = {1, 2, 256, 0, 0, 0}, negative[] = {-1, 0};
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, insert(db, ids, fraction, 2, 2, &error));
  CHECK_U64(1, error.item);
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, insert(db, ids, large, 3, 2, &error));
  CHECK_U64(1, error.item);
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, insert(db, ids, negative, 1, 2, &error));
  CHECK_U64(0, count_of(db));
  CHECK_OK(vdb_close(db, &error));
}

static void a_batch_is_all_or_nothing(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  const uint64_t ids[] = {1, 2, 3}, clash[] = {4, 5, 2}, twice[] = {6, 7, 6}, none[] = {8, VDB_ID_NONE};
  const float rows[] = {1, 2, 3, 4, 5, 6};
  CHECK_OK(insert(db, ids, rows, 3, 2, &error));
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, insert(db, clash, rows, 3, 2, &error));
  CHECK_U64(2, error.item);
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, insert(db, twice, rows, 3, 2, &error));
  CHECK_U64(2, error.item);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, insert(db, none, rows, 2, 2, &error));
  CHECK_U64(1, error.item);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT,
               vdb_upsert_batch(db, none, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_U64(3, count_of(db));
  CHECK_OK(vdb_close(db, &error));
}

static void numbers_without_a_distance_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const uint64_t ids[] = {1, 2, 3};
  const float odd[] = {NAN, INFINITY, -INFINITY};
  vdb *db = open_db(NULL, 2);
  for (int i = 0; i < 3; i++) {
    const float rows[] = {1, 2, 3, 4, 5, odd[i]};
    CHECK_STATUS(VDB_ERR_NOT_FINITE, insert(db, ids, rows, 3, 2, &error));
    CHECK_U64(2, error.item);
    CHECK_STATUS(VDB_ERR_NOT_FINITE, vdb_upsert_batch(db, ids, rows, 3, 2, 0, VDB_SCALAR_F32, NULL, &error));
  }
  const float zero[] = {1, 1, 0, 0, 1, 1};
  CHECK_U64(0, count_of(db));
  CHECK_OK(insert(db, ids, zero, 3, 2, &error)); /* under L2 zero is a place like any other */
  CHECK_OK(vdb_close(db, &error));

  db = open_db_with(NULL, 2, (const char *const[]){"schema.metric", "cosine", NULL});
  CHECK_STATUS(VDB_ERR_NOT_FINITE, insert(db, ids, zero, 3, 2, &error));
  CHECK_U64(1, error.item);
  CHECK_U64(0, count_of(db));
  CHECK_OK(vdb_close(db, &error));
}

static void upsert_replaces_and_the_last_wins(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 1);
  const uint64_t ids[] = {1, 2}, twice[] = {2, 3, 2};
  const float rows[] = {1, 2}, fresh[] = {20, 30, 21};
  const uint64_t all[] = {1, 2, 3};
  float out[3] = {0};
  uint8_t found[3];
  CHECK_OK(insert(db, ids, rows, 2, 1, &error));
  CHECK_OK(vdb_upsert_batch(db, twice, fresh, 3, 1, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_U64(3, count_of(db));
  CHECK_OK(vdb_get_batch(db, all, 3, 1, VDB_SCALAR_F32, out, 0, found, &error));
  CHECK(out[0] == 1 && out[1] == 21 && out[2] == 30);
  CHECK_OK(vdb_close(db, &error));
}

static void deleted_rows_are_gone_and_their_ids_free(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 1);
  const uint64_t ids[] = {1, 2, 3}, gone[] = {2, 99, 2};
  const float rows[] = {1, 2, 3}, again[] = {9}, query[] = {2};
  uint64_t deleted = 77, near[3];
  float distances[3];
  uint32_t counts[1];
  CHECK_OK(insert(db, ids, rows, 3, 1, &error));
  CHECK_OK(vdb_delete_batch(db, gone, 3, &deleted, &error));
  CHECK_U64(1, deleted);
  CHECK_OK(vdb_delete_batch(db, gone, 3, NULL, &error));
  CHECK_OK(vdb_search(db, query, 1, 1, 0, 3, NULL, near, distances, counts, &error));
  CHECK(counts[0] == 2 && near[0] == 1 && near[1] == 3 && near[2] == VDB_ID_NONE);
  CHECK_OK(insert(db, ids + 1, again, 1, 1, &error));
  CHECK_OK(vdb_search(db, query, 1, 1, 0, 3, NULL, near, distances, counts, &error));
  CHECK(counts[0] == 3 && near[2] == 2 && distances[2] == 49);
  CHECK_OK(vdb_close(db, &error));
}

static void wrong_shapes_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 4);
  const uint64_t ids[] = {1, 2};
  float rows[16] = {0};
  uint8_t found[2];
  CHECK_STATUS(VDB_ERR_DIMENSION, insert(db, ids, rows, 2, 5, &error));
  CHECK(strstr(error.message, "5") != NULL && strstr(error.message, "4") != NULL);
  CHECK_STATUS(VDB_ERR_DIMENSION, insert(db, ids, rows, 2, 0, &error));
  CHECK_STATUS(VDB_ERR_DIMENSION, vdb_get_batch(db, ids, 2, 3, VDB_SCALAR_F32, rows, 0, found, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_insert_batch(db, ids, rows, 2, 4, 15, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_insert_batch(db, ids, rows, 2, 4, 0, 0, NULL, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_insert_batch(db, ids, rows, 2, 4, 0, 77, NULL, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_get_batch(db, ids, 2, 4, UINT32_MAX, rows, 0, found, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, insert(db, ids, rows, SIZE_MAX, 4, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_insert_batch(db, ids, rows, 3, 4, SIZE_MAX, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_delete_batch(db, ids, SIZE_MAX, NULL, &error));
  /* More than a batch may have: refused before an id is looked at. */
  CHECK_STATUS(VDB_ERR_LIMIT, insert(db, ids, rows, (size_t)1 << 33, 4, &error));
  CHECK_U64(0, count_of(db));
  CHECK_OK(vdb_close(db, &error));
}

static void nothing_needs_no_pointers(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 4);
  uint64_t deleted = 77;
  CHECK_OK(vdb_insert_batch(db, NULL, NULL, 0, 4, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_upsert_batch(db, NULL, NULL, 0, 0, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_delete_batch(db, NULL, 0, &deleted, &error));
  CHECK_U64(0, deleted);
  CHECK_OK(vdb_get_batch(db, NULL, 0, 4, VDB_SCALAR_F32, NULL, 0, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(insert) = {
    TEST(rows_come_back_as_they_went_in),
    TEST(gaps_and_odd_addresses_are_fine),
    TEST(every_scalar_type_is_stored),
    TEST(bytes_take_whole_numbers_in_range_only),
    TEST(a_batch_is_all_or_nothing),
    TEST(numbers_without_a_distance_are_refused),
    TEST(upsert_replaces_and_the_last_wins),
    TEST(deleted_rows_are_gone_and_their_ids_free),
    TEST(wrong_shapes_are_refused),
    TEST(nothing_needs_no_pointers),
    END_OF_TESTS,
};
