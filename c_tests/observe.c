/* Seeing inside: explanations, times of calls, the log, slow searches, the cache of results. */
#include "harness.h"

#include <math.h>

enum { DIM = 8 };

static vdb_latency_t latency_of(vdb *db, vdb_call_t call) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_latency_t latency = {.struct_size = sizeof latency};
  CHECK_OK(vdb_latency_get(db, call, &latency, &error));
  CHECK_U64(call, latency.call);
  return latency;
}

/* Calls of the kinds that only records have, or that ask for something else than the nearest rows. */
static void call_the_others(vdb *db, const float *query) {
  vdb_error_t error = VDB_ERROR_INIT;
  static const char meta[] = "{\"a\":1}{\"a\":2}";
  const uint64_t ends[3] = {0, 7, 14};
  uint64_t ids[2] = {11, 12}, got[2], offsets[3], count;
  float rows[2 * DIM], distances[2];
  char text[64];
  uint32_t counts[2], found;
  size_t len;
  vdb_filter *one = NULL;
  vdb_cursor *cursor = NULL;
  fill_noise(rows, 2 * DIM, 2);
  CHECK_OK(vdb_insert_records(db, ids, NULL, NULL, rows, 2, DIM, 0, VDB_SCALAR_F32, meta, ends, NULL, &error));
  CHECK_OK(vdb_upsert_records(db, ids, NULL, NULL, rows, 2, DIM, 0, VDB_SCALAR_F32, meta, ends, NULL, &error));
  CHECK_OK(vdb_get_meta(db, ids, 2, text, sizeof text, offsets, &len, &error));
  CHECK_OK(vdb_keys_of_ids(db, ids, 2, text, sizeof text, offsets, &len, &error));
  CHECK_OK(vdb_update_meta_batch(db, ids, 2, meta, ends, &count, &error));
  CHECK_OK(vdb_filter_parse("a = 1", 5, &one, &error));
  CHECK_OK(vdb_update_meta_where(db, one, "{\"a\":1}", 7, &count, NULL, &error));
  CHECK_OK(vdb_recommend(db, ids, 1, NULL, 0, 1, NULL, got, distances, NULL, &error));
  CHECK_OK(vdb_search_diverse(db, query, DIM, 2, 0, 0.5f, NULL, got, distances, NULL, &error));
  CHECK_OK(vdb_search_groups(db, query, DIM, "a", 1, 2, 1, NULL, got, distances, counts, &found, &error));
  CHECK_OK(vdb_cursor_search(db, query, DIM, NULL, &cursor, &error));
  CHECK_OK(vdb_cursor_next(cursor, 2, got, distances, &len, &error));
  CHECK_OK(vdb_cursor_next(cursor, 2, got, distances, &len, &error));
  vdb_cursor_free(cursor);
  CHECK_OK(vdb_delete_where(db, one, &count, NULL, &error));
  CHECK_U64(1, count);
  vdb_filter_free(one);
}

/* How many calls of a kind the next test makes. */
static uint64_t calls_of(vdb_call_t call) {
  switch (call) {
  case VDB_CALL_SEARCH: return 21;
  case VDB_CALL_GET: return 3;
  case VDB_CALL_INSERT:
  case VDB_CALL_UPSERT:
  case VDB_CALL_DELETE:
  case VDB_CALL_UPDATE_META:
  case VDB_CALL_PAGE: return 2;
  default: return 1;
  }
}

/* Each call is counted under its kind, and what fails is not. */
static void calls_are_timed_by_kind(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(temp_path("timed"), DIM);
  float rows[4 * DIM], distances[4];
  uint64_t ids[4] = {1, 2, 3, 4}, count;
  uint8_t found[4];
  size_t within;
  fill_noise(rows, 4 * DIM, 1);
  for (vdb_call_t call = VDB_CALL_SEARCH; call <= VDB_CALL_PAGE; call++) {
    vdb_latency_t none = latency_of(db, call);
    CHECK(none.count == 0 && none.mean_ns == 0 && none.p50_ns == 0 && none.max_ns == 0 && none.sum_ns == 0);
  }
  double start = now_s();
  CHECK_OK(vdb_insert_batch(db, ids, rows, 4, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_insert_batch(db, ids, rows, 4, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_upsert_batch(db, ids, rows, 2, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  for (int i = 0; i < 20; i++) CHECK_OK(vdb_search(db, rows, 1, DIM, 0, 4, NULL, ids, distances, NULL, &error));
  CHECK_OK(vdb_search_exact(db, rows, 1, DIM, 0, 4, NULL, ids, distances, NULL, &error));
  CHECK_OK(vdb_search(db, rows, 2, DIM, 0, 2, NULL, ids, distances, NULL, &error));
  CHECK_OK(vdb_search_range(db, rows, DIM, 1e9f, 4, NULL, ids, distances, &within, &error));
  CHECK_OK(vdb_get_batch(db, ids, 4, DIM, VDB_SCALAR_F32, rows, 0, found, &error));
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_OK(vdb_delete_batch(db, ids, 1, &count, &error));
  call_the_others(db, rows);
  CHECK_OK(vdb_sync(db, &error));
  CHECK_OK(vdb_checkpoint(db, NULL, &error));
  CHECK_OK(vdb_checkpoint(db, NULL, &error)); /* nothing new: not counted */
  CHECK_OK(vdb_refresh(db, &error));
  double passed_ns = (now_s() - start) * 1e9;
  double all = 0;
  for (vdb_call_t call = VDB_CALL_SEARCH; call <= VDB_CALL_PAGE; call++) {
    vdb_latency_t took = latency_of(db, call);
    CHECK_U64(calls_of(call), took.count);
    CHECK(took.p50_ns <= took.p95_ns && took.p95_ns <= took.p99_ns && took.p99_ns <= took.max_ns);
    CHECK(took.mean_ns <= took.max_ns && took.sum_ns / took.count == took.mean_ns);
    if (took.count == 1) CHECK(took.sum_ns == took.max_ns && took.p50_ns * 100 >= took.max_ns * 96);
    all += (double)took.sum_ns;
  }
  CHECK(all > 0 && all <= passed_ns);

  vdb_latency_t latency = {.struct_size = sizeof latency, .count = 77};
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_latency_get(db, 0, &latency, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_latency_get(db, VDB_CALL_PAGE + 1, &latency, &error));
  latency.struct_size = 0;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_latency_get(db, VDB_CALL_GET, &latency, &error));
  CHECK_U64(77, latency.count);
  CHECK_OK(vdb_close(db, &error));
}

static vdb_stats_t stats_of(vdb *db) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  return stats;
}

/* All lines that wait, in a text of its own each time. */
static const char *log_of(vdb *db) {
  static char text[1 << 17];
  vdb_error_t error = VDB_ERROR_INIT;
  size_t len = 0;
  CHECK_OK(vdb_log_read(db, text, sizeof text, &len, &error));
  CHECK_U64(strlen(text), len);
  return text;
}

static void lines_are_read_once_and_whole(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("lines");
  char text[2 * VDB_LOG_LINE_MAX];
  size_t len = 77, all = 0;
  vdb *db = open_db(path, DIM);
  insert_noise(db, 1, 10, DIM);
  CHECK_OK(vdb_checkpoint(db, NULL, &error));
  CHECK_OK(vdb_log_read(db, NULL, 0, &all, &error));
  CHECK(all > 100);
  /* A buffer that holds no line is refused and takes nothing. */
  memset(text, 'x', sizeof text);
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_log_read(db, text, 20, &len, &error));
  CHECK(len == all && text[0] == 'x');
  /* One that holds the first takes that alone, and the next call the rest. */
  CHECK_OK(vdb_log_read(db, text, all, &len, &error));
  CHECK(len < all && text[len] == '\0' && text[len - 1] == '\n' && strstr(text, " info create rows=0 ") != NULL);
  size_t rest = all - len;
  CHECK_OK(vdb_log_read(db, text, VDB_LOG_LINE_MAX, &len, &error));
  CHECK_U64(rest, len);
  CHECK(strstr(text, " info checkpoint lsn=1 ") != NULL);
  CHECK_OK(vdb_log_read(db, text, VDB_LOG_LINE_MAX, &len, &error));
  CHECK(len == 0 && text[0] == '\0');
  CHECK_OK(vdb_log_read(db, text, 1, &len, &error)); /* nothing waits: room for nothing is enough */
  CHECK_U64(0, len);
  CHECK(stats_of(db).checkpoint_unix_ms > UINT64_C(1700000000000));
  insert_noise(db, 11, 10, DIM);
  CHECK_OK(vdb_close(db, &error));
  REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  CHECK(strstr(log_of(db), " info open rows=20 lsn=2 replayed_batches=0 ") != NULL);
  CHECK_OK(vdb_close(db, &error));
}

static void a_full_log_drops_the_oldest_lines_and_says_so(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *const pairs[] = {"runtime.log_bytes", "2000", "runtime.slow_query_us", "1", NULL};
  vdb *db = open_db_with(NULL, DIM, pairs);
  float query[DIM], distance[3];
  uint64_t ids[3];
  insert_noise(db, 1, 1500, DIM); /* 100 rows are compared within a microsecond */
  for (int i = 0; i < 100; i++) {
    fill_noise(query, DIM, (uint64_t)i);
    CHECK_OK(vdb_search(db, query, 1, DIM, 0, 3, NULL, ids, distance, NULL, &error));
  }
  CHECK_U64(100, stats_of(db).slow_queries);
  uint64_t dropped = stats_of(db).log_lines_dropped;
  char expected[80];
  snprintf(expected, sizeof expected, " warn log unread_lines_dropped=%llu\n", (unsigned long long)dropped);
  const char *text = log_of(db);
  CHECK(dropped > 50 && strlen(text) <= 2000 + VDB_LOG_LINE_MAX && strstr(text, expected) != NULL);
  uint64_t lines = 0;
  for (; (text = strstr(text, " warn slow_search ")) != NULL; text++) lines++;
  CHECK_U64(101 - dropped, lines);
  CHECK(log_of(db)[0] == '\0');
  CHECK_OK(vdb_close(db, &error));

  /* Levels, and no log at all. */
  const char *const quiet[][5] = {{"runtime.log_level", "error", "runtime.slow_query_us", "1", NULL},
                                  {"runtime.log_bytes", "0", "runtime.slow_query_us", "1", NULL}};
  for (int i = 0; i < 2; i++) {
    db = open_db_with(NULL, DIM, quiet[i]);
    insert_noise(db, 1, 1500, DIM); /* 100 rows are compared within a microsecond */
    CHECK_OK(vdb_search(db, query, 1, DIM, 0, 3, NULL, ids, distance, NULL, &error));
    CHECK(log_of(db)[0] == '\0' && stats_of(db).slow_queries == 1);
    CHECK_OK(vdb_close(db, &error));
  }
  vdb_options *options = NULL;
  REQUIRE_OK(vdb_options_new(&options, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_u64(options, VDB_OPT_LOG_BYTES, 1023, &error));
  CHECK(strstr(error.message, "runtime.log_bytes") != NULL);
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_u64(options, VDB_OPT_LOG_LEVEL, 4, &error));
  vdb_options_free(options);
}

static void the_cache_answers_the_same_and_forgets_what_changed(void) {
  enum { QUERIES = 5, K = 4 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, DIM, (const char *const[]){"runtime.cache_bytes", "65536", NULL});
  float queries[QUERIES * DIM], distances[QUERIES * K], plain_distances[QUERIES * K];
  uint64_t ids[QUERIES * K], plain[QUERIES * K];
  size_t within = 0;
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  insert_noise(db, 1, 300, DIM);
  fill_noise(queries, QUERIES * DIM, 77);
  params.flags = VDB_SEARCH_NO_CACHE;
  CHECK_OK(vdb_search(db, queries, QUERIES, DIM, 0, K, &params, plain, plain_distances, NULL, &error));
  CHECK(stats_of(db).cache_misses == 0 && stats_of(db).bytes_cache == 0);
  params.flags = 0;
  for (uint64_t round = 0; round < 3; round++) {
    CHECK_OK(vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, NULL, &error));
    CHECK(memcmp(ids, plain, sizeof ids) == 0 && memcmp(distances, plain_distances, sizeof distances) == 0);
    CHECK_U64(QUERIES, stats_of(db).cache_misses);
    CHECK_U64(QUERIES * round, stats_of(db).cache_hits);
  }
  CHECK_U64(4 * QUERIES, stats_of(db).searches);
  CHECK(stats_of(db).bytes_cache > QUERIES * K * 12 && stats_of(db).bytes_cache <= 65536);
  CHECK_OK(vdb_search_exact(db, queries, 1, DIM, 0, K, &params, ids, distances, NULL, &error));
  CHECK_U64(QUERIES + 1, stats_of(db).cache_misses); /* exact is another question */
  for (int round = 0; round < 2; round++)
    CHECK_OK(vdb_search_range(db, queries, DIM, plain_distances[2], K, &params, ids, distances, &within, &error));
  CHECK(within == 3 && ids[2] == plain[2] && ids[3] == VDB_ID_NONE);
  CHECK_U64(2 * QUERIES + 1, stats_of(db).cache_hits);

  /* The nearest row goes: not one answer has it any more. */
  CHECK_OK(vdb_delete_batch(db, plain, 1, NULL, &error));
  CHECK_OK(vdb_search(db, queries, 1, DIM, 0, K, &params, ids, distances, NULL, &error));
  CHECK(ids[0] == plain[1]);
  CHECK_U64(2 * QUERIES + 1, stats_of(db).cache_hits);
  CHECK_OK(vdb_cache_clear(db, &error));
  CHECK_U64(0, stats_of(db).bytes_cache);
  CHECK_OK(vdb_close(db, &error));

  db = open_db(NULL, DIM); /* without a cache: nothing to forget */
  CHECK_OK(vdb_cache_clear(db, &error));
  CHECK_OK(vdb_close(db, &error));
  vdb_options *options = NULL;
  REQUIRE_OK(vdb_options_new(&options, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_u64(options, VDB_OPT_CACHE_BYTES, 65535, &error));
  vdb_options_free(options);
}

/* Whether the explanation of a search has all of `parts` (up to NULL). */
static bool explains(vdb *db, const float *query, size_t k, const vdb_search_params_t *params, const char *const *parts) {
  vdb_error_t error = VDB_ERROR_INIT;
  char json[VDB_EXPLAIN_MAX];
  size_t len = 0;
  if (!CHECK_OK(vdb_explain(db, query, DIM, k, params, json, sizeof json, &len, &error))) return false;
  CHECK_U64(strlen(json), len);
  bool all = json[0] == '{' && json[len - 1] == '}';
  for (; *parts != NULL; parts++) {
    if (strstr(json, *parts) != NULL) continue;
    fail(__FILE__, __LINE__, "no %s in %s", *parts, json);
    all = false;
  }
  return all;
}
#define EXPLAINS(k, ...) CHECK(explains(db, query, k, &params, (const char *const[]){__VA_ARGS__, NULL}))

static void a_search_explains_itself(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, DIM, (const char *const[]){"index.graph_min_rows", "1000", "runtime.cache_bytes", "65536", NULL});
  float query[DIM], distances[10];
  uint64_t ids[1500], found[10];
  char json[VDB_EXPLAIN_MAX];
  size_t len = 0;
  vdb_filter *few = NULL, *half = NULL;
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  fill_noise(query, DIM, 5);
  EXPLAINS(10, "\"plan\":\"scan\"", "\"found\":0", "nothing to find", "fewer than k = 10");
  insert_noise(db, 1, 900, DIM);
  EXPLAINS(10, "\"plan\":\"scan\"", "index.graph_min_rows = 1000", "\"found\":10", "\"advice\":[]", "\"cache\":\"miss\"");
  insert_noise(db, 901, 2100, DIM);
  REQUIRE_OK(vdb_wait_indexed(db, NULL, &error));
  params.ef = 50;
  EXPLAINS(10, "\"plan\":\"walk\"", "\"ef\":50", "\"complete\":true", "\"live\":3000", "\"unindexed\":0", "\"filter\":null", "\"time_us\":{");
  CHECK_OK(vdb_search(db, query, 1, DIM, 0, 10, &params, found, distances, NULL, &error));
  uint64_t searches = stats_of(db).searches, misses = stats_of(db).cache_misses;
  EXPLAINS(10, "\"cache\":\"hit\"");
  params.flags = VDB_SEARCH_NO_CACHE;
  EXPLAINS(10, "\"cache\":\"skipped\"");
  params.flags = VDB_SEARCH_EXACT;
  EXPLAINS(10, "\"plan\":\"scan\"", "\"rows\":3000", "exact");
  CHECK(stats_of(db).searches == searches && stats_of(db).cache_misses == misses && latency_of(db, VDB_CALL_SEARCH).count == 1);
  params.flags = 0;
  params.ef = 5;
  EXPLAINS(10, "ef = 5 is below k = 10");
  params.ef = 2000;
  EXPLAINS(10, "\"plan\":\"scan\"", "ef = 2000 is not below a tenth of the 3000 rows");
  params.ef = 0;
  for (uint64_t i = 0; i < 1500; i++) ids[i] = 2 * i + 1;
  REQUIRE_OK(vdb_filter_ids(ids, 6, 1, &few, &error));
  REQUIRE_OK(vdb_filter_ids(ids, 1500, 1, &half, &error));
  params.filter = few;
  EXPLAINS(10, "\"plan\":\"pick\"", "\"passing\":6", "\"selectivity\":0.002", "only 6 rows pass the filter", "\"walk_through\":");
  params.filter = half;
  EXPLAINS(10, "\"selectivity\":0.5", "\"expected_selectivity\":0.5", "\"costs\":{");
  params.filter = NULL;
  params.max_memory = 1000;
  EXPLAINS(10, "\"limit\":1000", "\"fit\":\"narrower\"", "\"complete\":false", "max_memory = 1000, so it finds less");

  /* Errors, and buffers. */
#define EXPLAIN(dim, k, cap) vdb_explain(db, query, dim, k, &params, json, cap, &len, &error)
  params.max_memory = 10;
  CHECK_STATUS(VDB_ERR_LIMIT, EXPLAIN(DIM, 10, sizeof json));
  params.max_memory = 0;
  CHECK_STATUS(VDB_ERR_DIMENSION, EXPLAIN(DIM + 1, 10, sizeof json));
  CHECK_STATUS(VDB_ERR_LIMIT, EXPLAIN(DIM, (size_t)VDB_MAX_K + 1, sizeof json));
  memset(json, 'x', sizeof json);
  CHECK_OK(vdb_explain(db, query, DIM, 10, NULL, NULL, 0, &len, &error));
  CHECK_U64(VDB_EXPLAIN_MAX - 1, len);
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, EXPLAIN(DIM, 10, 100));
  CHECK(json[0] == 'x' && len > 100 && len < VDB_EXPLAIN_MAX);
  CHECK_OK(EXPLAIN(DIM, 0, sizeof json));
  query[0] = NAN;
  CHECK_STATUS(VDB_ERR_NOT_FINITE, EXPLAIN(DIM, 10, sizeof json));
  params.flags = 4;
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, EXPLAIN(DIM, 10, sizeof json));
#undef EXPLAIN
  vdb_filter_free(few);
  vdb_filter_free(half);
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(observe) = {
    TEST(a_search_explains_itself),
    TEST(calls_are_timed_by_kind),
    TEST(lines_are_read_once_and_whole),
    TEST(a_full_log_drops_the_oldest_lines_and_says_so),
    TEST(the_cache_answers_the_same_and_forgets_what_changed),
    END_OF_TESTS,
};
