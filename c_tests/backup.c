/* Backups: they open as what they were made of; what is refused leaves nothing behind. */
#define _GNU_SOURCE
#include "harness.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIM = 8, ROWS = 800 };

static uint64_t rows_in(const char *path) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = NULL;
  uint64_t count = 0;
  size_t len = 0;
  static char report[VDB_CHECK_REPORT_MAX];
  if (!CHECK_OK(vdb_open(path, NULL, &db, &error))) return 0;
  CHECK_OK(vdb_check(db, VDB_CHECK_RECALL, report, sizeof report, &len, NULL, &error));
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_OK(vdb_close(db, &error));
  return count;
}

static int entries(const char *path) {
  DIR *directory = opendir(path);
  int count = 0;
  if (directory == NULL) return -1;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count - 2;
}

/* Parts of `a` that are the same files in `b`. */
static int shared(const char *a, const char *b) {
  DIR *directory = opendir(a);
  int count = 0;
  if (directory == NULL) return -1;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char one[600], two[600];
    struct stat first, second;
    snprintf(one, sizeof one, "%s/%s", a, entry->d_name);
    snprintf(two, sizeof two, "%s/%s", b, entry->d_name);
    if (strstr(entry->d_name, ".vdb") == NULL || stat(one, &first) != 0 || stat(two, &second) != 0) continue;
    count += first.st_ino == second.st_ino && first.st_dev == second.st_dev;
  }
  closedir(directory);
  return count;
}

static void a_backup_is_a_database(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("db"), *first = temp_path("first"), *second = temp_path("second");
  vdb *db = open_db_with(path, DIM, (const char *const[]){"index.graph_min_rows", "300", NULL});
  vdb_task *task = NULL;
  uint64_t done = 0, total = 0;
  CHECK_OK(vdb_task_new(&task, &error));
  insert_noise(db, 0, ROWS, DIM);
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  CHECK_OK(vdb_checkpoint(db, NULL, &error));
  REQUIRE_OK(vdb_backup(db, first, NULL, task, &error));
  CHECK_OK(vdb_task_progress(task, &done, &total));
  CHECK(done == total && total > 0);
  CHECK(shared(path, first) >= 3);
  insert_noise(db, ROWS, 50, DIM);
  CHECK(mkdir(second, 0700) == 0);
  REQUIRE_OK(vdb_backup(db, second, first, NULL, &error));
  CHECK(shared(first, second) >= 1);
  insert_noise(db, 2 * ROWS, 50, DIM);
  CHECK_OK(vdb_close(db, &error));
  CHECK_U64(ROWS, rows_in(first));
  CHECK_U64(ROWS + 50, rows_in(second));
  CHECK_U64(ROWS + 100, rows_in(path));
  vdb_task_free(task);
}

typedef struct writing { vdb *db; atomic_uint_fast64_t batches; atomic_bool stop; } writing;

static void *write_on(void *argument) {
  writing *w = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  while (!atomic_load(&w->stop)) {
    uint64_t batch = atomic_load(&w->batches);
    insert_noise(w->db, batch * 20, 20, DIM);
    atomic_store(&w->batches, batch + 1);
    if (batch % 30 == 0) CHECK_OK(vdb_checkpoint(w->db, NULL, &error));
  }
  return NULL;
}

static void beside_a_writer_it_is_one_state(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  writing w = {.db = open_db(temp_path("busy"), DIM)};
  uint64_t before[4], after[4];
  char path[4][300];
  pthread_t writer;
  pthread_create(&writer, NULL, write_on, &w);
  for (int i = 0; i < 4; i++) {
    snprintf(path[i], sizeof path[i], "%s", temp_path((const char *[]){"b0", "b1", "b2", "b3"}[i]));
    before[i] = atomic_load(&w.batches);
    CHECK_OK(vdb_backup(w.db, path[i], i == 0 ? NULL : path[i - 1], NULL, &error));
    after[i] = atomic_load(&w.batches) + 1;
  }
  atomic_store(&w.stop, true);
  pthread_join(writer, NULL);
  CHECK_OK(vdb_close(w.db, &error));
  for (int i = 3; i >= 0; i--) {
    uint64_t rows = rows_in(path[i]);
    CHECK(rows % 20 == 0 && rows >= before[i] * 20 && rows <= after[i] * 20);
  }
}

static int stop_at_once(void *user, uint64_t done, uint64_t total) {
  (void)user, (void)done, (void)total;
  return 0;
}

static int call_back(void *user, uint64_t done, uint64_t total) {
  (void)done, (void)total;
  vdb_error_t error = VDB_ERROR_INIT;
  CHECK_STATUS(VDB_ERR_BUSY, vdb_backup(user, temp_path("nested"), NULL, NULL, &error));
  return 1;
}

static void what_is_refused_leaves_nothing(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  char path[300], full[300], inside[400], first[300], never[300], missing[400];
  snprintf(path, sizeof path, "%s", temp_path("db2"));
  snprintf(full, sizeof full, "%s", temp_path("full"));
  snprintf(first, sizeof first, "%s", temp_path("f1"));
  snprintf(never, sizeof never, "%s", temp_path("never"));
  snprintf(inside, sizeof inside, "%s/inside", path);
  snprintf(missing, sizeof missing, "%s/no/parent", path);
  vdb *db = open_db(path, DIM), *memory = open_db(NULL, DIM), *other = open_db(temp_path("other"), DIM);
  vdb_task *task = NULL;
  insert_noise(db, 0, 100, DIM);
  insert_noise(other, 0, 10, DIM);
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK(mkdir(full, 0700) == 0);
  char note[400];
  snprintf(note, sizeof note, "%s/note", full);
  FILE *file = fopen(note, "w");
  REQUIRE(file != NULL);
  fclose(file);
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_backup(NULL, never, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_backup(db, NULL, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_backup(db, "", NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_backup(db, never, "", NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_backup(db, inside, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_backup(db, full, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_backup(db, missing, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_backup(db, never, missing, NULL, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_backup(db, never, NULL, (vdb_task *)db, &error));
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_backup(other, never, path, NULL, &error));
  REQUIRE_OK(vdb_backup(db, first, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_MISMATCH, vdb_backup(other, never, first, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_backup(memory, never, first, NULL, &error));
  CHECK_OK(vdb_task_on_progress(task, stop_at_once, NULL, &error));
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_backup(db, never, NULL, task, &error));
  vdb_task_free(task);
  CHECK(entries(never) == -1);
  CHECK(entries(full) == 1);
  /* A manifest of the backup before that is damaged. */
  char current[400];
  snprintf(current, sizeof current, "%s/CURRENT", first);
  file = fopen(current, "r+");
  REQUIRE(file != NULL);
  fputc('x', file);
  fclose(file);
  CHECK_STATUS(VDB_ERR_CORRUPT, vdb_backup(db, never, first, NULL, &error));
  CHECK(entries(never) == -1);
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK_OK(vdb_task_on_progress(task, call_back, db, &error));
  CHECK_OK(vdb_backup(db, never, NULL, task, &error));
  vdb_task_free(task);
  CHECK_OK(vdb_close(db, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_backup(db, never, NULL, NULL, &error));
  CHECK_U64(100, rows_in(never));
  CHECK_OK(vdb_close(memory, &error));
  CHECK_OK(vdb_close(other, &error));
}

static void memory_and_readers_have_backups(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  char path[300], one[300], two[300];
  snprintf(path, sizeof path, "%s", temp_path("written"));
  snprintf(one, sizeof one, "%s", temp_path("one"));
  snprintf(two, sizeof two, "%s", temp_path("two"));
  vdb *memory = open_db(NULL, DIM), *writer = open_db(path, DIM);
  insert_noise(memory, 0, 70, DIM);
  insert_noise(writer, 0, 90, DIM);
  CHECK_OK(vdb_backup(memory, one, NULL, NULL, &error));
  vdb *reader = open_db_with(path, DIM, (const char *const[]){"storage.read_only", "on", NULL});
  insert_noise(writer, 90, 10, DIM);
  CHECK_OK(vdb_backup(reader, two, NULL, NULL, &error));
  CHECK_OK(vdb_close(reader, &error));
  CHECK_OK(vdb_close(writer, &error));
  CHECK_OK(vdb_close(memory, &error));
  CHECK_U64(70, rows_in(one));
  CHECK_U64(90, rows_in(two));
}

/* What a killed process leaves is not taken for a database, nor for an empty directory. */
static void half_a_backup_opens_as_nothing(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  char path[300], work[400];
  snprintf(path, sizeof path, "%s", temp_path("half"));
  snprintf(work, sizeof work, "%s/unfinished", path);
  CHECK(mkdir(path, 0700) == 0 && mkdir(work, 0700) == 0);
  vdb_options *options = NULL;
  vdb *db = (vdb *)&error;
  CHECK_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, DIM, &error));
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_open(path, options, &db, &error));
  CHECK(db == NULL && strstr(error.message, "unfinished") != NULL);
  CHECK(rmdir(work) == 0);
  CHECK_OK(vdb_open(path, options, &db, &error));
  CHECK_OK(vdb_close(db, &error));
  vdb_options_free(options);
}

TEST_TABLE(backup) = {
    TEST(a_backup_is_a_database),
    TEST(beside_a_writer_it_is_one_state),
    TEST(what_is_refused_leaves_nothing),
    TEST(memory_and_readers_have_backups),
    TEST(half_a_backup_opens_as_nothing),
    END_OF_TESTS,
};
