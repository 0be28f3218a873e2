/* Options: the table, setting, limits, effective values. */
#include "harness.h"

static vdb_options *new_options(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = NULL;
  CHECK_OK(vdb_options_new(&options, &error));
  return options;
}

static void the_table_describes_itself(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_option_t last = 0;
  size_t index = 0;
  for (;; index++) {
    vdb_option_info_t info = {.struct_size = sizeof info};
    vdb_status_t status = vdb_option_at(index, &info, &error);
    if (status == VDB_DONE) break;
    REQUIRE(status == VDB_OK);
    CHECK(info.struct_size == sizeof info && info.id > last);
    CHECK(info.name != NULL && strchr(info.name, '.') != NULL && info.help != NULL && info.help[0] != '\0');
    CHECK(info.min_value < info.max_value && info.default_value <= info.max_value);
    CHECK((info.value_type == VDB_OPTION_TYPE_ENUM) == (info.values != NULL));
    CHECK((info.value_type == VDB_OPTION_TYPE_TEXT) == (info.id == VDB_OPT_COLUMNS));
    last = info.id;
  }
  CHECK_U64(33, index);
  vdb_option_info_t info = {.struct_size = sizeof info};
  CHECK_STATUS(VDB_DONE, vdb_option_at(SIZE_MAX, &info, &error));
  CHECK_OK(vdb_option_at(1, &info, &error));
  CHECK(info.id == VDB_OPT_METRIC && strcmp(info.name, "schema.metric") == 0);
  CHECK(info.flags == VDB_OPTION_FLAG_SCHEMA && strstr(info.values, "cosine=3") != NULL);
}

/* Every option takes its own limits and refuses what lies outside, with a text that says so. */
static void limits_are_what_the_table_says(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = new_options();
  for (size_t index = 0;; index++) {
    vdb_option_info_t info = {.struct_size = sizeof info};
    if (vdb_option_at(index, &info, &error) != VDB_OK) break;
    if (info.value_type == VDB_OPTION_TYPE_F64) {
      CHECK_OK(vdb_options_set_f64(options, info.id, info.min_value, &error));
      CHECK_OK(vdb_options_set_f64(options, info.id, info.max_value, &error));
      CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_f64(options, info.id, info.max_value * 1.01, &error));
      CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_f64(options, info.id, -1.0, &error));
      CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_u64(options, info.id, 1, &error));
    } else if (info.value_type == VDB_OPTION_TYPE_TEXT) {
      CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_u64(options, info.id, 1, &error));
      CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_f64(options, info.id, 1.0, &error));
      CHECK_OK(vdb_options_set_text(options, info.name, "", &error));
    } else if (info.id != VDB_OPT_SEED) {
      CHECK_OK(vdb_options_set_u64(options, info.id, (uint64_t)info.min_value, &error));
      CHECK_OK(vdb_options_set_u64(options, info.id, (uint64_t)info.max_value, &error));
      CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_u64(options, info.id, (uint64_t)info.max_value + 1, &error));
      CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_f64(options, info.id, 1.0, &error));
    }
    CHECK(error.code == VDB_OK || strstr(error.message, info.name) != NULL);
  }
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_SEED, UINT64_MAX, &error));
  vdb_options_free(options);
}

static void text_sets_names_and_numbers(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = new_options();
  CHECK_OK(vdb_options_set_text(options, "schema.dim", "8", &error));
  CHECK_OK(vdb_options_set_text(options, "schema.metric", "cosine", &error));
  CHECK_OK(vdb_options_set_text(options, "hnsw.m", "32", &error));
  CHECK_OK(vdb_options_set_text(options, "storage.compact_ratio", "0.5", &error));
  CHECK_OK(vdb_options_set_text(options, "storage.mmap", "off", &error));
  CHECK_STATUS(VDB_ERR_UNKNOWN_OPTION, vdb_options_set_text(options, "hnsw.ef_serch", "9", &error));
  CHECK(strstr(error.message, "hnsw.ef_search") != NULL);
  CHECK_STATUS(VDB_ERR_UNKNOWN_OPTION, vdb_options_set_u64(options, 999, 1, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_text(options, "hnsw.m", "many", &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_text(options, "hnsw.m", "", &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_text(options, "\xff\xfe", "1", &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_options_set_text(options, "hnsw.m", "1", &error));

  vdb *db = NULL;
  REQUIRE_OK(vdb_open(NULL, options, &db, &error));
  vdb_options_free(options);
  uint64_t value = 0;
  double ratio = 0;
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_METRIC, &value, &error));
  CHECK_U64(VDB_METRIC_COSINE, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_M, &value, &error));
  CHECK_U64(32, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_EF_SEARCH, &value, &error));
  CHECK_U64(64, value);
  CHECK_OK(vdb_option_get_f64(db, VDB_OPT_COMPACT_RATIO, &ratio, &error));
  CHECK(ratio == 0.5);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_option_get_f64(db, VDB_OPT_M, &ratio, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_option_get_u64(db, VDB_OPT_COMPACT_RATIO, &value, &error));
  CHECK(strstr(error.message, "storage.compact_ratio is a fraction (0.5)") != NULL);
  CHECK_STATUS(VDB_ERR_UNKNOWN_OPTION, vdb_option_get_u64(db, 0, &value, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* Any option comes back as the text that sets it. */
static void values_are_read_as_texts(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = new_options();
  char text[32];
  size_t len = 0;
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, 8, &error));
  CHECK_OK(vdb_options_set_text(options, "schema.columns", "year  i64,tags string[]", &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_text(options, "schema.columns", "year i64, tags text", &error));
  CHECK_U64(15, error.item);
  CHECK(strstr(error.message, "schema.columns: a type should stand here: string, i64") != NULL && strstr(error.message, "(byte 15)") != NULL);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_options_set_text(options, "schema.columns", "a i64, a f64", &error));
  CHECK_U64(7, error.item);
  vdb *db = NULL;
  REQUIRE_OK(vdb_open(NULL, options, &db, &error));
  vdb_options_free(options);
  static const struct {
    vdb_option_t option;
    const char *text;
  } values[] = {{VDB_OPT_COLUMNS, "tags string[], year i64"}, {VDB_OPT_METRIC, "l2sq"}, {VDB_OPT_DIM, "8"}, {VDB_OPT_MMAP, "on"}, {VDB_OPT_COMPACT_RATIO, "0.3"}};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    CHECK_OK(vdb_option_get_text(db, values[i].option, text, sizeof text, &len, &error));
    CHECK(strcmp(text, values[i].text) == 0 && len == strlen(text));
    CHECK_OK(vdb_option_get_text(db, values[i].option, NULL, 0, &len, &error));
    CHECK_U64(strlen(values[i].text), len);
    CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_option_get_text(db, values[i].option, text, len, &len, &error));
    CHECK_U64(strlen(values[i].text), len);
  }
  uint64_t whole = 0;
  double ratio = 0;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_option_get_u64(db, VDB_OPT_COLUMNS, &whole, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_option_get_f64(db, VDB_OPT_COLUMNS, &ratio, &error));
  CHECK_STATUS(VDB_ERR_UNKNOWN_OPTION, vdb_option_get_text(db, 999, text, sizeof text, &len, &error));
  CHECK_OK(vdb_close(db, &error));
}

static void a_freed_set_is_closed(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = new_options();
  vdb *db = (vdb *)&error;
  vdb_options_free(options);
  vdb_options_free(options);
  vdb_options_free(NULL);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_options_set_u64(options, VDB_OPT_DIM, 4, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_options_set_text(options, "hnsw.m", "4", &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_open(NULL, options, &db, &error));
  CHECK(db == NULL);
}

TEST_TABLE(options) = {
    TEST(the_table_describes_itself),
    TEST(limits_are_what_the_table_says),
    TEST(text_sets_names_and_numbers),
    TEST(values_are_read_as_texts),
    TEST(a_freed_set_is_closed),
    END_OF_TESTS,
};
