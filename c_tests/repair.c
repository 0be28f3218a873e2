/* vdb_repair: each status it returns, its report and buffer, and a damaged directory that stays
 * as it was. */
#define _GNU_SOURCE
#include "harness.h"

#include <dirent.h>
#include <unistd.h>

enum { DIM = 8, ROWS = 500 };

static char report[VDB_REPAIR_REPORT_MAX];

/* A closed database in files; rows 1 to 10 are deleted. */
static const char *closed_db(const char *name) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path(name);
  vdb *db = open_db(path, DIM);
  uint64_t gone[10];
  for (uint64_t i = 0; i < 10; i++) gone[i] = i + 1;
  insert_noise(db, 1, ROWS, DIM);
  CHECK_OK(vdb_delete_batch(db, gone, 10, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
  return path;
}

/* The path of the first file of `directory` whose name begins so. */
static bool find(const char *directory, const char *prefix, char path[800]) {
  DIR *all = opendir(directory);
  bool found = false;
  for (struct dirent *entry; all != NULL && !found && (entry = readdir(all)) != NULL;) {
    found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    if (found) snprintf(path, 800, "%.500s/%.250s", directory, entry->d_name);
  }
  if (all != NULL) closedir(all);
  return found;
}

static bool flip(const char *path, long at) {
  FILE *file = fopen(path, "r+b");
  if (file == NULL) return false;
  int byte = fseek(file, at, SEEK_SET) == 0 ? fgetc(file) : EOF;
  bool ok = byte != EOF && fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 4, file) != EOF;
  return fclose(file) == 0 && ok;
}

static uint64_t rows_of(const char *path) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = NULL;
  uint64_t count = 0;
  if (!CHECK_OK(vdb_open(path, NULL, &db, &error))) return 0;
  CHECK_OK(vdb_check(db, VDB_CHECK_RECALL, NULL, 0, &(size_t){0}, NULL, &error));
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_OK(vdb_close(db, &error));
  return count;
}

static void what_can_be_made_again_is_ok(void) {
  static const char *const files[] = {"CURRENT", "ids-", "tombstones-"};
  vdb_error_t error = VDB_ERROR_INIT;
  for (int i = 0; i < 3; i++) {
    char path[800], name[40];
    size_t len = 0;
    snprintf(name, sizeof name, "whole-%d", i);
    const char *from = closed_db(name);
    snprintf(name, sizeof name, "repaired-%d", i);
    const char *to = temp_path(name);
    REQUIRE(find(from, files[i], path));
    REQUIRE(flip(path, 30));
    if (i == 0) {
      vdb *db = NULL;
      CHECK_STATUS(VDB_ERR_CORRUPT, vdb_open(from, NULL, &db, &error));
      CHECK(strstr(error.message, "vdb_repair") != NULL);
    }
    REQUIRE_OK(vdb_repair(from, to, NULL, report, sizeof report, &len, NULL, &error));
    CHECK(len == strlen(report) && report[0] == '{' && report[len - 1] == '}');
    CHECK(strstr(report, "\"complete\":true") != NULL && strstr(report, "\"files_damaged\":1") != NULL);
    CHECK(strstr(report, "\"rows\":490,") != NULL && strstr(report, strrchr(path, '/') + 1) != NULL);
    CHECK_U64(ROWS - 10, rows_of(to));
  }
}

static void what_is_lost_is_partial(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *from = closed_db("lost"), *to = temp_path("saved");
  char path[800];
  size_t len = 0;
  REQUIRE(find(from, "chunk-", path));
  REQUIRE(flip(path, 5000));
  CHECK_STATUS(VDB_PARTIAL, vdb_repair(from, to, NULL, report, sizeof report, &len, NULL, &error));
  CHECK(strstr(report, "\"complete\":false") != NULL && strstr(report, "\"rows_lost\":490,") != NULL);
  CHECK(strstr(report, "\"lost_ids\":[11,12,") != NULL && strstr(report, "\"block\":0,\"offset\":0") != NULL);
  CHECK_U64(0, rows_of(to));
}

static void without_a_manifest_the_options_give_the_schema(void) {
  static const char *const schema[] = {"schema.dim", "8", "schema.metric", "l2sq", "schema.scalar", "f32"};
  vdb_error_t error = VDB_ERROR_INIT;
  const char *from = closed_db("schema"), *to = temp_path("saved");
  vdb_options *options = NULL;
  char path[800];
  size_t len = 0;
  REQUIRE(find(from, "MANIFEST-", path) && unlink(path) == 0);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_repair(from, to, NULL, report, sizeof report, &len, NULL, &error));
  CHECK(strstr(error.message, "schema.dim") != NULL);
  REQUIRE_OK(vdb_options_new(&options, &error));
  for (int i = 0; i < 6; i += 2) CHECK_OK(vdb_options_set_text(options, schema[i], schema[i + 1], &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, 9, &error));
  CHECK_STATUS(VDB_ERR_MISMATCH, vdb_repair(from, to, options, report, sizeof report, &len, NULL, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, DIM, &error));
  CHECK_OK(vdb_repair(from, to, options, report, sizeof report, &len, NULL, &error));
  CHECK(strstr(report, "\"generation\":null") != NULL);
  CHECK_U64(ROWS - 10, rows_of(to));
  vdb_options_free(options);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_repair(from, temp_path("x"), options, NULL, 0, &len, NULL, &error));
}

static void refusals_leave_nothing(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *from = closed_db("from"), *used = closed_db("used"), *to = temp_path("to");
  vdb *db = NULL;
  size_t len = 0;
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_repair(temp_path("nowhere"), to, NULL, NULL, 0, &len, NULL, &error));
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_repair(from, used, NULL, NULL, 0, &len, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_repair(from, from, NULL, NULL, 0, &len, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_repair(from, "", NULL, NULL, 0, &len, NULL, &error));
  REQUIRE_OK(vdb_open(from, NULL, &db, &error));
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_repair(from, to, NULL, NULL, 0, &len, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
  CHECK_U64(0, len);
  memset(report, 'x', sizeof report);
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_repair(from, to, NULL, report, sizeof report - 1, &len, NULL, &error));
  CHECK(len == VDB_REPAIR_REPORT_MAX - 1 && report[0] == 'x' && access(to, F_OK) != 0);
  CHECK_OK(vdb_repair(from, to, NULL, NULL, 0, &len, NULL, &error));
  CHECK(len > 0 && len < VDB_REPAIR_REPORT_MAX);
  CHECK_U64(ROWS - 10, rows_of(used));
}

static int never(void *user, uint64_t done, uint64_t total) {
  vdb_error_t error = VDB_ERROR_INIT;
  size_t len = 0;
  (void)done, (void)total;
  /* Whatever would wait for the call it is in is refused. */
  CHECK_STATUS(VDB_ERR_BUSY, vdb_repair("a", "b", NULL, NULL, 0, &len, NULL, &error));
  return --*(int *)user >= 0;
}

static void a_task_cancels(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *from = closed_db("from"), *to = temp_path("to");
  for (int steps = 0; steps < 3; steps++) {
    vdb_task *task = NULL;
    size_t len = 77;
    int left = steps;
    REQUIRE_OK(vdb_task_new(&task, &error));
    CHECK_OK(vdb_task_on_progress(task, never, &left, &error));
    vdb_status_t status = vdb_repair(from, to, NULL, NULL, 0, &len, task, &error);
    if (status == VDB_OK) {
      uint64_t done = 0, total = 0;
      CHECK_OK(vdb_task_progress(task, &done, &total));
      CHECK(steps > 0 && done == total && total > 0);
      vdb_task_free(task);
      break;
    }
    CHECK_STATUS(VDB_ERR_CANCELLED, status);
    CHECK(len == 77 && access(to, F_OK) != 0);
    vdb_task_free(task);
  }
}

TEST_TABLE(repair) = {
    TEST(what_can_be_made_again_is_ok),
    TEST(what_is_lost_is_partial),
    TEST(without_a_manifest_the_options_give_the_schema),
    TEST(refusals_leave_nothing),
    TEST(a_task_cancels),
    END_OF_TESTS,
};
