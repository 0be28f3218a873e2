/* vdb_check: reports and their buffers, levels, tasks, and damage under an open database. */
#include "harness.h"

#include <dirent.h>

enum { DIM = 8 };

static char report[VDB_CHECK_REPORT_MAX];

/* A database in files: chunk, graph, ids, tombstones, and a log with records. */
static vdb *busy_db(const char *path) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(path, DIM, (const char *const[]){"index.graph_min_rows", "100", NULL});
  uint64_t gone[10] = {3, 1, 4, 15, 9, 2, 6, 5, 35, 8};
  insert_noise(db, 1, 500, DIM);
  CHECK_OK(vdb_delete_batch(db, gone, 10, NULL, &error));
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  if (path != NULL) CHECK_OK(vdb_checkpoint(db, NULL, &error));
  insert_noise(db, 1000, 20, DIM);
  return db;
}

static void a_sound_database_is_sound_at_every_level(void) {
  static const char *const names[] = {"", "checksums", "structure", "recall"};
  vdb_error_t error = VDB_ERROR_INIT;
  for (int on_disk = 0; on_disk <= 1; on_disk++) {
    vdb *db = busy_db(on_disk ? temp_path("sound") : NULL);
    for (uint32_t level = VDB_CHECK_CHECKSUMS; level <= VDB_CHECK_RECALL; level++) {
      char expected[64];
      size_t len = 0;
      REQUIRE_OK(vdb_check(db, level, report, sizeof report, &len, NULL, &error));
      CHECK(len == strlen(report) && report[0] == '{' && report[len - 1] == '}');
      CHECK(strstr(report, "\"sound\":true") != NULL && strstr(report, "\"problem_count\":0") != NULL);
      snprintf(expected, sizeof expected, "\"completed\":\"%s\"", names[level]);
      CHECK(strstr(report, expected) != NULL);
      CHECK((strstr(report, "\"files\":0,") == NULL) == on_disk);
      CHECK((strstr(report, "\"recall_at_10\":null") == NULL) == (level == VDB_CHECK_RECALL));
    }
    CHECK_OK(vdb_close(db, &error));
  }
}

static void buffers_and_arguments(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  size_t len = 0, again = 0;
  CHECK_OK(vdb_check(db, VDB_CHECK_CHECKSUMS, NULL, 0, &len, NULL, &error));
  REQUIRE(len > 0 && len < sizeof report);
  memset(report, 'x', sizeof report);
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_check(db, VDB_CHECK_CHECKSUMS, report, len, &again, NULL, &error));
  CHECK(again == len && report[0] == 'x');
  CHECK_OK(vdb_check(db, VDB_CHECK_CHECKSUMS, report, len + 1, &again, NULL, &error));
  CHECK(again == len && report[len] == '\0' && report[len + 1] == 'x');

  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_check(NULL, VDB_CHECK_RECALL, report, 9, &len, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_check(db, VDB_CHECK_RECALL, NULL, 9, &len, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_check(db, VDB_CHECK_RECALL, report, 9, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_check(db, VDB_CHECK_RECALL, NULL, 0, NULL, NULL, &error));
  len = 77;
  for (int i = 0; i < 3; i++) {
    uint32_t level = ((const uint32_t[]){0, VDB_CHECK_RECALL + 1, UINT32_MAX})[i];
    CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_check(db, level, report, sizeof report, &len, NULL, &error));
  }
  CHECK_U64(77, len);
  CHECK_OK(vdb_close(db, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_check(db, VDB_CHECK_RECALL, report, sizeof report, &len, NULL, &error));
}

static int at_half(void *user, uint64_t done, uint64_t total) {
  int *calls = user;
  ++*calls;
  return done < total / 2;
}

static void a_task_watches_and_cancels(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = busy_db(temp_path("task"));
  vdb_task *task = NULL;
  uint64_t done = 0, total = 0;
  size_t len = 77;
  int calls = 0;
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK_OK(vdb_check(db, VDB_CHECK_RECALL, report, sizeof report, &len, task, &error));
  CHECK_OK(vdb_task_progress(task, &done, &total));
  CHECK(done == total && total > 0);
  len = 77;
  CHECK_OK(vdb_task_on_progress(task, at_half, &calls, &error));
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_check(db, VDB_CHECK_RECALL, report, sizeof report, &len, task, &error));
  CHECK(calls > 1 && len == 77);
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_check(db, VDB_CHECK_CHECKSUMS, report, sizeof report, &len, task, &error));
  vdb_task_free(task);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_check(db, VDB_CHECK_CHECKSUMS, report, sizeof report, &len, task, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* Flips a bit of the first file whose name begins so. */
static bool flip(const char *directory, const char *prefix, long at, char *name, size_t cap) {
  DIR *all = opendir(directory);
  bool ok = false;
  for (struct dirent *entry; all != NULL && !ok && (entry = readdir(all)) != NULL;) {
    char path[800];
    if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
    snprintf(name, cap, "%s", entry->d_name);
    snprintf(path, sizeof path, "%s/%.250s", directory, entry->d_name);
    FILE *file = fopen(path, "r+b");
    if (file == NULL) break;
    int byte = fseek(file, at, SEEK_SET) == 0 ? fgetc(file) : EOF;
    ok = byte != EOF && fseek(file, at, SEEK_SET) == 0 && fputc(byte ^ 4, file) != EOF;
    ok = fclose(file) == 0 && ok;
  }
  if (all != NULL) closedir(all);
  return ok;
}

/* The status says it, the report is there all the same, and both name the file. */
static void damage_is_a_status_and_a_report(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("damaged");
  vdb *db = busy_db(path);
  char name[300] = "";
  size_t len = 0;
  REQUIRE(flip(path, "chunk-", 4200, name, sizeof name));
  CHECK_STATUS(VDB_ERR_CORRUPT, vdb_check(db, VDB_CHECK_RECALL, report, sizeof report, &len, NULL, &error));
  CHECK(len == strlen(report) && strstr(error.message, name) != NULL && strstr(report, name) != NULL);
  CHECK(strstr(report, "\"sound\":false") != NULL && strstr(report, "\"problem_count\":1") != NULL);
  CHECK(strstr(report, "\"block\":0,\"offset\":0") != NULL && strstr(report, "\"completed\":\"checksums\"") != NULL);
  size_t again = 0;
  CHECK_STATUS(VDB_ERR_CORRUPT, vdb_check(db, VDB_CHECK_RECALL, NULL, 0, &again, NULL, &error));
  CHECK_U64(len, again);
  CHECK_STATUS(VDB_ERR_CORRUPT, vdb_check(db, VDB_CHECK_RECALL, report, 5, &again, NULL, &error));
  CHECK_U64(len, again);
  vdb_close(db, NULL); /* writes a checkpoint, which may meet the damage */
}

TEST_TABLE(check) = {
    TEST(a_sound_database_is_sound_at_every_level),
    TEST(buffers_and_arguments),
    TEST(a_task_watches_and_cancels),
    TEST(damage_is_a_status_and_a_report),
    END_OF_TESTS,
};
