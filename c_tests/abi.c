/* The binary interface: sizes, offsets and numbers that programs have compiled in. A change
 * here breaks programs that exist; it needs a new VDB_ABI_VERSION. */
#include "harness.h"

#include <stddef.h>

_Static_assert(sizeof(vdb_error_t) == 256, "vdb_error_t");
_Static_assert(offsetof(vdb_error_t, code) == 4 && offsetof(vdb_error_t, os_error) == 8, "vdb_error_t");
_Static_assert(offsetof(vdb_error_t, item) == 16 && offsetof(vdb_error_t, message) == 24, "vdb_error_t");
_Static_assert(sizeof(vdb_search_params_t) == 64, "vdb_search_params_t");
_Static_assert(offsetof(vdb_search_params_t, deadline_us) == 24, "vdb_search_params_t");
_Static_assert(offsetof(vdb_search_params_t, task) == 32, "vdb_search_params_t");
_Static_assert(offsetof(vdb_search_params_t, filter) == 40, "vdb_search_params_t");
_Static_assert(offsetof(vdb_search_params_t, snapshot) == 48, "vdb_search_params_t");
_Static_assert(offsetof(vdb_search_params_t, max_memory) == 56, "vdb_search_params_t");
_Static_assert(sizeof(vdb_option_info_t) == 64, "vdb_option_info_t");
_Static_assert(offsetof(vdb_option_info_t, name) == 16, "vdb_option_info_t");
_Static_assert(offsetof(vdb_option_info_t, default_value) == 40, "vdb_option_info_t");
_Static_assert(sizeof(vdb_stats_t) == 256 && offsetof(vdb_stats_t, live) == 8, "vdb_stats_t");
_Static_assert(sizeof(vdb_latency_t) == 64 && offsetof(vdb_latency_t, count) == 8, "vdb_latency_t");
_Static_assert(offsetof(vdb_latency_t, p50_ns) == 24 && offsetof(vdb_latency_t, sum_ns) == 56, "vdb_latency_t");
_Static_assert(sizeof(vdb_status_t) == 4 && sizeof(vdb_option_t) == 4 && sizeof(vdb_scalar_t) == 4, "typedefs");
_Static_assert(VDB_ID_NONE == UINT64_MAX, "VDB_ID_NONE");

static void numbers_never_change(void) {
  static const int statuses[][2] = {
      {VDB_OK, 0}, {VDB_DONE, 1}, {VDB_PARTIAL, 2},
      {VDB_ERR_INVALID_ARGUMENT, -1}, {VDB_ERR_NULL_ARGUMENT, -2}, {VDB_ERR_DIMENSION, -3},
      {VDB_ERR_UNSUPPORTED, -4}, {VDB_ERR_UNKNOWN_OPTION, -5}, {VDB_ERR_OUT_OF_RANGE, -6},
      {VDB_ERR_NOT_FINITE, -7}, {VDB_ERR_FILTER_SYNTAX, -8}, {VDB_ERR_BUFFER_TOO_SMALL, -9},
      {VDB_ERR_NOT_FOUND, -20}, {VDB_ERR_ALREADY_EXISTS, -21}, {VDB_ERR_CLOSED, -22},
      {VDB_ERR_READ_ONLY, -23}, {VDB_ERR_BUSY, -24}, {VDB_ERR_POISONED, -25}, {VDB_ERR_FORKED, -26},
      {VDB_ERR_CANCELLED, -27}, {VDB_ERR_DEADLINE, -28}, {VDB_ERR_MISMATCH, -29},
      {VDB_ERR_IO, -40}, {VDB_ERR_LOCKED, -41}, {VDB_ERR_NO_SPACE, -42},
      {VDB_ERR_CORRUPT, -50}, {VDB_ERR_FORMAT_TOO_NEW, -51}, {VDB_ERR_FORMAT_TOO_OLD, -52},
      {VDB_ERR_NO_MEMORY, -60}, {VDB_ERR_LIMIT, -61}, {VDB_ERR_PANIC, -90}, {VDB_ERR_INTERNAL, -91},
  };
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    CHECK(statuses[i][0] == statuses[i][1]);
    CHECK(strncmp(vdb_status_name(statuses[i][1]), "VDB_", 4) == 0);
  }
  CHECK(strcmp(vdb_status_name(VDB_ERR_CORRUPT), "VDB_ERR_CORRUPT") == 0);
  CHECK(strcmp(vdb_status_name(INT32_MIN), "unknown status") == 0);
  CHECK(VDB_METRIC_L2SQ == 1 && VDB_METRIC_IP == 2 && VDB_METRIC_COSINE == 3);
  CHECK(VDB_METRIC_L1 == 4 && VDB_METRIC_HAMMING == 5 && VDB_METRIC_JACCARD == 6);
  CHECK(VDB_SCALAR_F32 == 1 && VDB_SCALAR_F16 == 2 && VDB_SCALAR_BF16 == 3);
  CHECK(VDB_SCALAR_I8 == 4 && VDB_SCALAR_B1 == 5 && VDB_SCALAR_U8 == 6);
  CHECK(VDB_QUANT_AUTO == 0 && VDB_QUANT_NONE == 1 && VDB_QUANT_SQ8 == 2 && VDB_QUANT_SQ4 == 3);
  CHECK(VDB_QUANT_PQ == 4 && VDB_QUANT_RABITQ == 5 && VDB_OPT_PQ_SUBSPACES == 105);
  CHECK(VDB_ORIGINALS_KEEP == 1 && VDB_ORIGINALS_DROP == 2 && VDB_OPT_ORIGINALS == 106);
  CHECK(VDB_OPT_COLUMNS == 107 && VDB_OPTION_TYPE_ENUM == 3 && VDB_OPTION_TYPE_TEXT == 4);
  CHECK(VDB_PROFILE_DEFAULT == 0 && VDB_PROFILE_FAST == 1 && VDB_PROFILE_QUALITY == 2);
  CHECK(VDB_DURABILITY_NONE == 1 && VDB_DURABILITY_PROCESS == 2 && VDB_DURABILITY_FULL == 3);
  CHECK(VDB_OPT_DIM == 101 && VDB_OPT_METRIC == 102 && VDB_OPT_SCALAR == 103 && VDB_OPT_QUANT == 104);
  CHECK(VDB_OPT_M == 201 && VDB_OPT_EF_CONSTRUCTION == 202 && VDB_OPT_EF_SEARCH == 203 && VDB_OPT_SEED == 204);
  CHECK(VDB_OPT_GRAPH_MIN_ROWS == 205 && VDB_OPT_CONSOLIDATE_RATIO == 206 && VDB_OPT_CREATE == 301);
  CHECK(VDB_OPT_TARGET_RECALL == 207 && VDB_OPT_PROFILE == 208);
  CHECK(VDB_OPT_READ_ONLY == 302);
  CHECK(VDB_OPT_MMAP == 303 && VDB_OPT_DURABILITY == 304 && VDB_OPT_WAL_LIMIT_BYTES == 305);
  CHECK(VDB_OPT_VERIFY_ON_OPEN == 307 && VDB_OPT_COMPACT_RATIO == 308 && VDB_OPT_THREADS == 401);
  CHECK(VDB_OPT_MAX_UNINDEXED == 310 && VDB_OPT_WHEN_BEHIND == 311);
  CHECK(VDB_WHEN_BEHIND_BLOCK == 1 && VDB_WHEN_BEHIND_BUSY == 2);
  CHECK(VDB_OPT_MAX_MEMORY == 405 && VDB_OPT_RESIDENT == 406);
  CHECK(VDB_OPT_CACHE_BYTES == 407 && VDB_SEARCH_NO_CACHE == 2);
  CHECK(VDB_OPT_SLOW_QUERY_US == 408 && VDB_OPT_LOG_BYTES == 409 && VDB_OPT_LOG_LEVEL == 410);
  CHECK(VDB_LOG_ERROR == 1 && VDB_LOG_WARN == 2 && VDB_LOG_INFO == 3);
  CHECK(VDB_CALL_SEARCH == 1 && VDB_CALL_SEARCH_BATCH == 2 && VDB_CALL_SEARCH_RANGE == 3 && VDB_CALL_INSERT == 4);
  CHECK(VDB_CALL_UPSERT == 5 && VDB_CALL_DELETE == 6 && VDB_CALL_GET == 7 && VDB_CALL_COUNT == 8);
  CHECK(VDB_CALL_SYNC == 9 && VDB_CALL_CHECKPOINT == 10 && VDB_CALL_REFRESH == 11);
  CHECK(VDB_CALL_UPDATE_META == 12 && VDB_CALL_RECOMMEND == 13 && VDB_CALL_DIVERSE == 14 && VDB_CALL_GROUPS == 15);
  CHECK(VDB_CALL_PAGE == 16);
  CHECK(VDB_SEARCH_EXACT == 1 && VDB_OPTION_FLAG_SCHEMA == 1);
}

static void the_library_is_the_headers(void) {
  CHECK_U64(VDB_ABI_VERSION, vdb_abi_version());
  CHECK_U64(VDB_VERSION_NUMBER, vdb_version_number());
  CHECK(strcmp(vdb_version_string(), VDB_VERSION_STRING) == 0);
}

static void build_info_tells_its_length_first(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  char text[4096];
  size_t len = 0, again = 0;
  REQUIRE_OK(vdb_build_info(NULL, 0, &len, &error));
  REQUIRE(len > 0 && len < sizeof text);
  memset(text, 'x', sizeof text);
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_build_info(text, len, &again, &error));
  CHECK(again == len && text[0] == 'x');
  CHECK_OK(vdb_build_info(text, len + 1, &again, &error));
  CHECK(again == len && text[len] == '\0' && text[len + 1] == 'x' && strlen(text) == len);
  CHECK(text[0] == '{' && text[len - 1] == '}' && strstr(text, "\"version\":\"" VDB_VERSION_STRING "\"") != NULL);
  CHECK(strstr(text, "\"kernels\":\"") != NULL);
}

TEST_TABLE(abi) = {
    TEST(numbers_never_change),
    TEST(the_library_is_the_headers),
    TEST(build_info_tells_its_length_first),
    END_OF_TESTS,
};
