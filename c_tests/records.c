/* Keys and metadata: what goes in comes out, byte by byte, and is found; filters over metadata. */
#include "harness.h"

enum { DIM = 4 };

/* Texts back to back. */
typedef struct texts {
  char bytes[4096];
  uint64_t offsets[65];
  size_t count;
} texts;

static void add(texts *to, const char *text) {
  size_t len = strlen(text);
  if (to->count == 0) to->offsets[0] = 0;
  memcpy(to->bytes + to->offsets[to->count], text, len);
  to->offsets[to->count + 1] = to->offsets[to->count] + len;
  to->count++;
}

/* Rows 0, 1, 2: keys a, b and none; years 1990, 2000 and none. Their ids go to `ids`. */
static vdb *open_three(const char *path, uint64_t ids[3]) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(path, DIM);
  float rows[3 * DIM] = {0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};
  texts keys = {{0}, {0}, 0}, meta = {{0}, {0}, 0};
  add(&keys, "a"), add(&keys, "b"), add(&keys, "");
  add(&meta, "{\"year\": 1990, \"tags\":[\"x\",\"y\"]}"), add(&meta, "{ \"year\":2000 }"), add(&meta, "");
  for (int i = 0; i < 3; i++) ids[i] = VDB_ID_NONE;
  CHECK_OK(vdb_insert_records(db, ids, keys.bytes, keys.offsets, rows, 3, DIM, 0, VDB_SCALAR_F32, meta.bytes,
                              meta.offsets, NULL, &error));
  return db;
}

static void expect_text(const char *expected, const char *bytes, const uint64_t *offsets, size_t i) {
  size_t len = (size_t)(offsets[i + 1] - offsets[i]);
  CHECK(len == strlen(expected) && memcmp(bytes + offsets[i], expected, len) == 0);
}

static void what_was_stored_comes_back(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[3], asked[4], offsets[5], found[3];
  const char *path = temp_path("records");
  vdb *db = open_three(path, ids);
  for (int round = 0; round < 2; round++) {
    char bytes[256];
    size_t len = 0;
    for (int i = 0; i < 3; i++) asked[i] = ids[i];
    asked[3] = 999;
    CHECK(ids[0] > 0 && ids[1] > ids[0] && ids[2] > ids[1] && ids[2] < VDB_ID_NONE);
    CHECK_OK(vdb_get_meta(db, asked, 4, NULL, 0, offsets, &len, &error));
    CHECK_U64(47, len);
    CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_get_meta(db, asked, 4, bytes, 46, offsets, &len, &error));
    CHECK_U64(47, len);
    CHECK_OK(vdb_get_meta(db, asked, 4, bytes, sizeof bytes, offsets, &len, &error));
    expect_text("{\"year\": 1990, \"tags\":[\"x\",\"y\"]}", bytes, offsets, 0);
    expect_text("{ \"year\":2000 }", bytes, offsets, 1);
    expect_text("", bytes, offsets, 2);
    expect_text("", bytes, offsets, 3);
    CHECK_OK(vdb_keys_of_ids(db, asked, 4, bytes, sizeof bytes, offsets, &len, &error));
    expect_text("a", bytes, offsets, 0);
    expect_text("b", bytes, offsets, 1);
    CHECK_U64(2, len);
    uint64_t key_offsets[4] = {0, 1, 2, 3};
    CHECK_OK(vdb_ids_of_keys(db, "bca", key_offsets, 3, found, &error));
    CHECK(found[0] == ids[1] && found[1] == VDB_ID_NONE && found[2] == ids[0]);
    CHECK_OK(vdb_close(db, &error));
    db = open_db(path, DIM);
  }
  vdb_stats_t stats;
  stats.struct_size = sizeof stats;
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  CHECK(stats.bytes_records >= 47 + 2);
  CHECK_OK(vdb_close(db, &error));
}

static void rows_are_replaced_by_their_keys(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[3], again[2] = {VDB_ID_NONE, VDB_ID_NONE}, offsets[2], count = 0;
  vdb *db = open_three(NULL, ids);
  float rows[2 * DIM] = {9, 0, 0, 0, 8, 0, 0, 0}, row[DIM];
  uint8_t there = 0;
  char bytes[64];
  size_t len = 0;
  texts keys = {{0}, {0}, 0}, taken = {{0}, {0}, 0};
  add(&keys, "b"), add(&keys, "new");
  REQUIRE_OK(vdb_upsert_records(db, again, keys.bytes, keys.offsets, rows, 2, DIM, 0, VDB_SCALAR_F32, NULL, NULL,
                                NULL, &error));
  CHECK(again[0] == ids[1] && again[1] > ids[2]);
  CHECK_OK(vdb_get_batch(db, again, 1, DIM, VDB_SCALAR_F32, row, 0, &there, &error));
  CHECK(there == 1 && row[0] == 9);
  CHECK_OK(vdb_get_meta(db, again, 1, bytes, sizeof bytes, offsets, &len, &error));
  expect_text("{ \"year\":2000 }", bytes, offsets, 0);
  /* Vectors alone leave the rest as it is. */
  CHECK_OK(vdb_upsert_batch(db, ids, rows, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_keys_of_ids(db, ids, 1, bytes, sizeof bytes, offsets, &len, &error));
  expect_text("a", bytes, offsets, 0);

  /* A key belongs to one row. */
  add(&taken, "q"), add(&taken, "a");
  again[0] = again[1] = VDB_ID_NONE;
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_insert_records(db, again, taken.bytes, taken.offsets, rows, 2, DIM, 0,
                                                          VDB_SCALAR_F32, NULL, NULL, NULL, &error));
  CHECK_U64(1, error.item);
  CHECK(again[0] == VDB_ID_NONE);
  again[0] = 500, again[1] = 501;
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_upsert_records(db, again, taken.bytes, taken.offsets, rows, 2, DIM, 0,
                                                          VDB_SCALAR_F32, NULL, NULL, NULL, &error));
  CHECK_U64(1, error.item);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(4, count);

  CHECK_OK(vdb_delete_keys(db, taken.bytes, taken.offsets, 2, &count, &error));
  CHECK_U64(1, count);
  CHECK_OK(vdb_delete_keys(db, taken.bytes, taken.offsets, 2, NULL, &error));
  CHECK_OK(vdb_insert_records(db, NULL, taken.bytes, taken.offsets, rows, 2, DIM, 0, VDB_SCALAR_F32, NULL, NULL, NULL,
                              &error));
  CHECK_OK(vdb_ids_of_keys(db, "a", keys.offsets, 1, again, &error));
  CHECK(again[0] != ids[0] && again[0] != VDB_ID_NONE);
  CHECK_OK(vdb_close(db, &error));
}

static vdb_filter *parsed(const char *text) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_filter *filter = NULL;
  CHECK_OK(vdb_filter_parse(text, strlen(text), &filter, &error));
  return filter;
}

static void conditions_choose_rows(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  uint64_t ids[3], found[3], count = 0;
  float query[DIM] = {0}, distances[3];
  uint32_t n = 0;
  vdb *db = open_three(NULL, ids);
  vdb_filter *late = parsed("year >= 2000"), *tagged = parsed("tags contains 'y' and year is not null");
  vdb_filter *asked = parsed("year in $1 or year = $2"), *bound = NULL;
  params.filter = late;
  CHECK_OK(vdb_search(db, query, 1, DIM, 0, 3, &params, found, distances, &n, &error));
  CHECK(n == 1 && found[0] == ids[1] && found[1] == VDB_ID_NONE);
  CHECK_OK(vdb_count(db, tagged, &count, &error));
  CHECK_U64(1, count);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_count(db, asked, &count, &error));
  vdb_cursor *cursor = (vdb_cursor *)db;
  params.filter = asked;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_cursor_scan(db, asked, &cursor, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_cursor_search(db, query, DIM, &params, &cursor, &error));
  CHECK(cursor == NULL);
  REQUIRE_OK(vdb_filter_bind(asked, "[[1990, 5], 2000]", 17, &bound, &error));
  CHECK_OK(vdb_count(db, bound, &count, &error));
  CHECK_U64(2, count);

  /* What changes is seen. */
  const char *meta = "{\"year\":2024}";
  uint64_t offsets[2] = {0, 13}, changed = 0;
  CHECK_OK(vdb_update_meta_batch(db, ids + 2, 1, meta, offsets, &changed, &error));
  CHECK_U64(1, changed);
  CHECK_OK(vdb_count(db, late, &count, &error));
  CHECK_U64(2, count);
  CHECK_OK(vdb_update_meta_where(db, late, "{\"year\":1}", 10, &changed, NULL, &error));
  CHECK_U64(2, changed);
  CHECK_OK(vdb_count(db, late, &count, &error));
  CHECK_U64(0, count);
  CHECK_OK(vdb_delete_where(db, bound, &changed, NULL, &error));
  CHECK_U64(1, changed);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(2, count);

  vdb_task *task = NULL;
  REQUIRE_OK(vdb_task_new(&task, &error));
  vdb_task_cancel(task);
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_delete_where(db, late, NULL, task, &error));
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_update_meta_where(db, late, NULL, 0, NULL, task, &error));
  vdb_task_free(task);
  vdb_filter_free(late), vdb_filter_free(tagged), vdb_filter_free(asked), vdb_filter_free(bound);
  CHECK_OK(vdb_close(db, &error));
}

static void wrong_texts_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[3], id = 7, offsets[3] = {0, 2, 1}, found = 0;
  float row[DIM] = {0};
  char long_key[VDB_KEY_MAX + 1];
  size_t len = 0;
  const char *pairs[] = {"storage.max_meta_bytes", "10", NULL};
  vdb *db = open_three(NULL, ids), *small = open_db_with(NULL, DIM, pairs);
  vdb_filter *filter = (vdb_filter *)db;
  memset(long_key, 'k', sizeof long_key);
  uint64_t whole[2] = {0, sizeof long_key};

  /* Filters: where it shows that they are none. */
  CHECK_STATUS(VDB_ERR_FILTER_SYNTAX, vdb_filter_parse("year >> 3", 9, &filter, &error));
  CHECK_U64(6, error.item);
  CHECK(filter == NULL);
  CHECK_STATUS(VDB_ERR_FILTER_SYNTAX, vdb_filter_parse("a = '\xff'", 7, &filter, &error));
  CHECK_U64(5, error.item);
  CHECK_STATUS(VDB_ERR_FILTER_SYNTAX, vdb_filter_parse(NULL, 0, &filter, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_filter_parse(NULL, 4, &filter, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_filter_parse("a = 1", 5, NULL, &error));
  vdb_filter *one = parsed("a = $1"), *by_ids = NULL;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_filter_bind(one, "[]", 2, &filter, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_filter_bind(one, "[1", 2, &filter, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_filter_bind(NULL, "[1]", 3, &filter, &error));
  REQUIRE_OK(vdb_filter_ids(&id, 1, 1, &by_ids, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_filter_bind(by_ids, "[1]", 3, &filter, &error));
  vdb_filter_free(one), vdb_filter_free(by_ids);

  /* Records. */
#define INSERT(keys, key_offsets, meta, meta_offsets) \
  vdb_insert_records(db, &id, keys, key_offsets, row, 1, DIM, 0, VDB_SCALAR_F32, meta, meta_offsets, NULL, &error)
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, INSERT("abc", offsets + 1, NULL, NULL));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, INSERT("abc", NULL, NULL, NULL));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, INSERT(NULL, whole, NULL, NULL));
  CHECK_STATUS(VDB_ERR_LIMIT, INSERT(long_key, whole, NULL, NULL));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, INSERT("\xc3(", offsets, NULL, NULL));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, INSERT(NULL, NULL, "[]", offsets));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, INSERT(NULL, NULL, "{\"", offsets));
  CHECK_U64(0, error.item);
  uint64_t eleven[2] = {0, 11};
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_insert_records(small, &id, NULL, NULL, row, 1, DIM, 0, VDB_SCALAR_F32,
                                                 "{\"abc\":100}", eleven, NULL, &error));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_update_meta_where(small, filter = parsed("a"), "{\"abc\":100}", 11, NULL, NULL,
                                                    &error));
  vdb_filter_free(filter);
  uint64_t last = VDB_ID_NONE - 1, none = VDB_ID_NONE;
  CHECK_OK(vdb_insert_batch(small, &last, row, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_insert_records(small, &none, NULL, NULL, row, 1, DIM, 0, VDB_SCALAR_F32, NULL, NULL,
                                                 NULL, &error));

  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_update_meta_batch(db, &id, 1, NULL, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_delete_where(db, NULL, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_ids_of_keys(db, "a", offsets, SIZE_MAX, &found, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_get_meta(db, ids, SIZE_MAX, NULL, 0, offsets, &len, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_get_meta(db, ids, 1, NULL, 0, NULL, &len, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_keys_of_ids(db, ids, 1, NULL, 0, offsets, NULL, &error));
  CHECK_OK(vdb_delete_keys(db, NULL, NULL, 0, NULL, &error));
  CHECK_OK(vdb_close(small, &error));
  CHECK_OK(vdb_close(db, &error));
}

static void a_handle_that_reads_sees_records_and_writes_none(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[3], found = 0, offsets[2] = {0, 1}, empty[2] = {0, 0};
  const char *path = temp_path("read"), *pairs[] = {"storage.read_only", "on", NULL};
  float row[DIM] = {0};
  vdb *db = open_three(path, ids), *reader = open_db_with(path, DIM, pairs);
  vdb_filter *filter = parsed("year = 1990");
  CHECK_OK(vdb_ids_of_keys(reader, "a", offsets, 1, &found, &error));
  CHECK_U64(ids[0], found);
  CHECK_OK(vdb_update_meta_where(db, filter, NULL, 0, NULL, NULL, &error));
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_count(reader, filter, &found, &error));
  CHECK_U64(0, found);
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_delete_where(reader, filter, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_delete_keys(reader, "a", offsets, 1, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_update_meta_batch(reader, ids, 1, "", empty, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_upsert_records(reader, ids, NULL, NULL, row, 1, DIM, 0, VDB_SCALAR_F32, NULL,
                                                     NULL, NULL, &error));
  vdb_filter_free(filter);
  CHECK_OK(vdb_close(reader, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* Whether what is told of the columns has all of `parts` (up to NULL). */
static bool tells(vdb *db, const char *const *parts) {
  vdb_error_t error = VDB_ERROR_INIT;
  char json[4096];
  size_t len = 0, asked = 0;
  CHECK_OK(vdb_columns_get(db, NULL, 0, &asked, &error));
  if (!CHECK_OK(vdb_columns_get(db, json, sizeof json, &len, &error))) return false;
  CHECK_U64(strlen(json), len);
  bool all = true;
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_columns_get(db, json + 2000, 10, &asked, &error));
  CHECK(asked > 10);
  for (; *parts != NULL; parts++) {
    if (strstr(json, *parts) != NULL) continue;
    fail(__FILE__, __LINE__, "no %s in %s", *parts, json);
    all = false;
  }
  return all;
}
#define TELLS(...) CHECK(tells(db, (const char *const[]){__VA_ARGS__, NULL}))

static void declared_columns_keep_their_types(void) {
  enum { ROWS = 600 };
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("declared");
  const char *const pairs[] = {"schema.columns", "year i64, tags string[], place geo", NULL};
  vdb *db = open_db_with(path, DIM, pairs);
  float rows[ROWS * DIM] = {0};
  uint64_t ids[ROWS], count = 0;
  static char bytes[64 * ROWS];
  uint64_t offsets[ROWS + 1] = {0};
  for (uint64_t i = 0; i < ROWS; i++) {
    ids[i] = i;
    int len = snprintf(bytes + offsets[i], 64, "{\"year\": %d, \"tags\": [\"t%d\"]}", 1900 + (int)(i % 50), (int)(i % 3));
    offsets[i + 1] = offsets[i] + (uint64_t)len;
  }
  REQUIRE_OK(vdb_insert_records(db, ids, NULL, NULL, rows, ROWS, DIM, 0, VDB_SCALAR_F32, bytes, offsets, NULL, &error));
  TELLS("{\"rows\":600,", "{\"name\":\"year\",\"type\":\"i64\",\"declared\":true,");

  /* Other values, in the second row of a call and in one for many: nothing changes. */
  texts wrong = {{0}, {0}, 0};
  add(&wrong, "{\"year\": 7}"), add(&wrong, "{\"year\": 7, \"place\": {\"lat\": 95, \"lon\": 0}}");
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_upsert_records(db, ids, NULL, NULL, rows, 2, DIM, 0, VDB_SCALAR_F32, wrong.bytes,
                                                            wrong.offsets, NULL, &error));
  CHECK_U64(1, error.item);
  CHECK(strstr(error.message, "place is an object whose lat is 95, but declared geo") != NULL);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_update_meta_batch(db, ids, 2, wrong.bytes, wrong.offsets, &count, &error));
  CHECK_U64(1, error.item);
  vdb_filter *filter = NULL;
  const char *condition = "year = 1907 and tags contains 't1'";
  REQUIRE_OK(vdb_filter_parse(condition, strlen(condition), &filter, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_update_meta_where(db, filter, "{\"tags\": \"t1\"}", 14, &count, NULL, &error));
  CHECK_OK(vdb_count(db, filter, &count, &error));
  CHECK_U64(4, count);
  TELLS("\"name\":\"year\",\"type\":\"i64\",\"declared\":true,\"rows\":600,\"nulls\":0,\"distinct\":50,\"min\":1900,\"max\":1949,\"bytes\":",
        "\"name\":\"tags\",\"type\":\"string[]\",\"declared\":true,\"rows\":600,\"nulls\":0,\"distinct\":3,\"min\":\"t0\",\"max\":\"t2\"",
        "\"name\":\"place\",\"type\":\"geo\"", "\"bytes_per_row\":");

  /* The search says what its filter costs. */
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  params.filter = filter;
  char json[VDB_EXPLAIN_MAX];
  size_t len = 0;
  CHECK_OK(vdb_explain(db, rows, DIM, 10, &params, json, sizeof json, &len, &error));
  CHECK(strstr(json, "\"chunks_skipped\":0") != NULL && strstr(json, "\"expected_selectivity\":0.00666") != NULL);
  vdb_filter_free(filter);
  CHECK_OK(vdb_close(db, &error));

  /* Another declaration is another database; none takes the one there is. */
  vdb_options *options = NULL;
  REQUIRE_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_options_set_text(options, "schema.columns", "year f64", &error));
  CHECK_STATUS(VDB_ERR_MISMATCH, vdb_open(path, options, &db, &error));
  vdb_options_free(options);
  REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_update_meta_batch(db, ids, 2, wrong.bytes, wrong.offsets, &count, &error));
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(records) = {
    TEST(what_was_stored_comes_back),
    TEST(rows_are_replaced_by_their_keys),
    TEST(conditions_choose_rows),
    TEST(wrong_texts_are_refused),
    TEST(a_handle_that_reads_sees_records_and_writes_none),
    TEST(declared_columns_keep_their_types),
    END_OF_TESTS,
};
