/* Errors: NULL for each pointer, the error record itself, and each status at least once. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every pointer of every function that must not be NULL. */
static void null_is_refused_for_each_pointer(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  vdb_options *options = NULL;
  vdb_task *task = NULL;
  uint64_t ids[2] = {1, 2}, number = 77;
  float rows[4] = {1, 2, 3, 4}, distances[2];
  double fraction;
  uint8_t found[2];
  CHECK_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_task_new(&task, &error));
#define REFUSED(call) CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, call)
  REFUSED(vdb_build_info(NULL, 1, NULL, &error));
  REFUSED(vdb_build_info(NULL, 0, NULL, &error));
  REFUSED(vdb_options_new(NULL, &error));
  REFUSED(vdb_options_set_u64(NULL, VDB_OPT_DIM, 1, &error));
  REFUSED(vdb_options_set_f64(NULL, VDB_OPT_COMPACT_RATIO, 1, &error));
  REFUSED(vdb_options_set_text(NULL, "hnsw.m", "4", &error));
  REFUSED(vdb_options_set_text(options, NULL, "4", &error));
  REFUSED(vdb_options_set_text(options, "hnsw.m", NULL, &error));
  REFUSED(vdb_option_at(0, NULL, &error));
  REFUSED(vdb_open(NULL, options, NULL, &error));
  REFUSED(vdb_option_get_u64(NULL, VDB_OPT_DIM, &number, &error));
  REFUSED(vdb_option_get_u64(db, VDB_OPT_DIM, NULL, &error));
  REFUSED(vdb_option_get_f64(NULL, VDB_OPT_COMPACT_RATIO, &fraction, &error));
  REFUSED(vdb_option_get_f64(db, VDB_OPT_COMPACT_RATIO, NULL, &error));
  REFUSED(vdb_insert_batch(NULL, ids, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  REFUSED(vdb_insert_batch(db, NULL, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  REFUSED(vdb_insert_batch(db, ids, NULL, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  REFUSED(vdb_upsert_batch(NULL, ids, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  REFUSED(vdb_upsert_batch(db, NULL, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  REFUSED(vdb_upsert_batch(db, ids, NULL, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  REFUSED(vdb_delete_batch(NULL, ids, 2, &number, &error));
  REFUSED(vdb_delete_batch(db, NULL, 2, &number, &error));
  REFUSED(vdb_get_batch(NULL, ids, 2, 2, VDB_SCALAR_F32, rows, 0, found, &error));
  REFUSED(vdb_get_batch(db, NULL, 2, 2, VDB_SCALAR_F32, rows, 0, found, &error));
  REFUSED(vdb_get_batch(db, ids, 2, 2, VDB_SCALAR_F32, NULL, 0, found, &error));
  REFUSED(vdb_get_batch(db, ids, 2, 2, VDB_SCALAR_F32, rows, 0, NULL, &error));
  REFUSED(vdb_count(NULL, NULL, &number, &error));
  REFUSED(vdb_count(db, NULL, NULL, &error));
  REFUSED(vdb_search(NULL, rows, 1, 2, 0, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search(db, NULL, 1, 2, 0, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search(db, rows, 1, 2, 0, 2, NULL, NULL, distances, NULL, &error));
  REFUSED(vdb_search(db, rows, 1, 2, 0, 2, NULL, ids, NULL, NULL, &error));
  REFUSED(vdb_search_exact(NULL, rows, 1, 2, 0, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search_exact(db, NULL, 1, 2, 0, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search_exact(db, rows, 1, 2, 0, 2, NULL, NULL, distances, NULL, &error));
  REFUSED(vdb_search_exact(db, rows, 1, 2, 0, 2, NULL, ids, NULL, NULL, &error));
  size_t found_count = 0;
  REFUSED(vdb_search_range(NULL, rows, 2, 1, 2, NULL, ids, distances, &found_count, &error));
  REFUSED(vdb_search_range(db, NULL, 2, 1, 2, NULL, ids, distances, &found_count, &error));
  REFUSED(vdb_search_range(db, rows, 2, 1, 2, NULL, NULL, distances, &found_count, &error));
  REFUSED(vdb_search_range(db, rows, 2, 1, 2, NULL, ids, NULL, &found_count, &error));
  REFUSED(vdb_search_range(db, rows, 2, 1, 2, NULL, ids, distances, NULL, &error));
  uint32_t sources[2];
  const vdb *both[2] = {db, NULL};
  REFUSED(vdb_search_ids(NULL, ids, 2, 1, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search_ids(db, NULL, 2, 1, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search_ids(db, ids, 2, 1, NULL, NULL, distances, NULL, &error));
  REFUSED(vdb_search_ids(db, ids, 2, 1, NULL, ids, NULL, NULL, &error));
  REFUSED(vdb_recommend(NULL, ids, 1, NULL, 0, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_recommend(db, NULL, 1, NULL, 0, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_recommend(db, ids, 1, NULL, 1, 2, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_recommend(db, ids, 1, NULL, 0, 2, NULL, NULL, distances, NULL, &error));
  REFUSED(vdb_recommend(db, ids, 1, NULL, 0, 2, NULL, ids, NULL, NULL, &error));
  REFUSED(vdb_search_diverse(NULL, rows, 2, 2, 0, 0.5f, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search_diverse(db, NULL, 2, 2, 0, 0.5f, NULL, ids, distances, NULL, &error));
  REFUSED(vdb_search_diverse(db, rows, 2, 2, 0, 0.5f, NULL, NULL, distances, NULL, &error));
  REFUSED(vdb_search_diverse(db, rows, 2, 2, 0, 0.5f, NULL, ids, NULL, NULL, &error));
  REFUSED(vdb_search_many(NULL, 1, rows, 1, 2, 0, 2, NULL, ids, distances, sources, NULL, &error));
  REFUSED(vdb_search_many(both, 2, rows, 1, 2, 0, 2, NULL, ids, distances, sources, NULL, &error));
  REFUSED(vdb_search_many(both, 1, NULL, 1, 2, 0, 2, NULL, ids, distances, sources, NULL, &error));
  REFUSED(vdb_search_many(both, 1, rows, 1, 2, 0, 2, NULL, NULL, distances, sources, NULL, &error));
  REFUSED(vdb_search_many(both, 1, rows, 1, 2, 0, 2, NULL, ids, NULL, sources, NULL, &error));
  REFUSED(vdb_search_many(both, 1, rows, 1, 2, 0, 2, NULL, ids, distances, NULL, NULL, &error));
  vdb_cursor *cursor = (vdb_cursor *)db;
  REFUSED(vdb_cursor_search(NULL, rows, 2, NULL, &cursor, &error));
  CHECK(cursor == NULL);
  REFUSED(vdb_cursor_search(db, NULL, 2, NULL, &cursor, &error));
  REFUSED(vdb_cursor_search(db, rows, 2, NULL, NULL, &error));
  REFUSED(vdb_cursor_scan(NULL, NULL, &cursor, &error));
  REFUSED(vdb_cursor_scan(db, NULL, NULL, &error));
  REFUSED(vdb_cursor_scan_at(NULL, NULL, NULL, &cursor, &error));
  REFUSED(vdb_cursor_scan_at(db, NULL, NULL, NULL, &error));
  REFUSED(vdb_cursor_next(NULL, 2, ids, distances, &found_count, &error));
  CHECK_OK(vdb_cursor_scan(db, NULL, &cursor, &error));
  REFUSED(vdb_cursor_next(cursor, 2, NULL, distances, &found_count, &error));
  REFUSED(vdb_cursor_next(cursor, 2, ids, distances, NULL, &error));
  vdb_cursor_free(cursor);
  vdb_cursor_free(NULL);
  REFUSED(vdb_sync(NULL, &error));
  REFUSED(vdb_checkpoint(NULL, NULL, &error));
  REFUSED(vdb_wait_indexed(NULL, NULL, &error));
  REFUSED(vdb_check(NULL, VDB_CHECK_CHECKSUMS, NULL, 0, NULL, NULL, &error));
  REFUSED(vdb_check(db, VDB_CHECK_CHECKSUMS, NULL, 0, NULL, NULL, &error));
  size_t len = 0;
  REFUSED(vdb_repair(NULL, "to", NULL, NULL, 0, &len, NULL, &error));
  REFUSED(vdb_repair("from", NULL, NULL, NULL, 0, &len, NULL, &error));
  REFUSED(vdb_repair("from", "to", NULL, NULL, VDB_REPAIR_REPORT_MAX, &len, NULL, &error));
  REFUSED(vdb_repair("from", "to", NULL, NULL, 0, NULL, NULL, &error));
  REFUSED(vdb_refresh(NULL, &error));
  vdb_snapshot *snapshot = NULL;
  REFUSED(vdb_snapshot_new(NULL, &snapshot, &error));
  REFUSED(vdb_snapshot_new(db, NULL, &error));
  REFUSED(vdb_count_at(NULL, NULL, NULL, &number, &error));
  REFUSED(vdb_count_at(db, NULL, NULL, NULL, &error));
  REFUSED(vdb_get_batch_at(NULL, NULL, ids, 2, 2, VDB_SCALAR_F32, rows, 0, found, &error));
  REFUSED(vdb_get_batch_at(db, NULL, NULL, 2, 2, VDB_SCALAR_F32, rows, 0, found, &error));
  REFUSED(vdb_get_batch_at(db, NULL, ids, 2, 2, VDB_SCALAR_F32, NULL, 0, found, &error));
  REFUSED(vdb_get_batch_at(db, NULL, ids, 2, 2, VDB_SCALAR_F32, rows, 0, NULL, &error));
  const uint64_t ends[2] = {0, 1};
  uint64_t offsets[2];
  char text[8];
  REFUSED(vdb_ids_of_keys_at(NULL, NULL, "a", ends, 1, ids, &error));
  REFUSED(vdb_ids_of_keys_at(db, NULL, NULL, ends, 1, ids, &error));
  REFUSED(vdb_ids_of_keys_at(db, NULL, "a", NULL, 1, ids, &error));
  REFUSED(vdb_ids_of_keys_at(db, NULL, "a", ends, 1, NULL, &error));
  REFUSED(vdb_keys_of_ids_at(NULL, NULL, ids, 1, text, 8, offsets, &len, &error));
  REFUSED(vdb_keys_of_ids_at(db, NULL, NULL, 1, text, 8, offsets, &len, &error));
  REFUSED(vdb_keys_of_ids_at(db, NULL, ids, 1, NULL, 8, offsets, &len, &error));
  REFUSED(vdb_keys_of_ids_at(db, NULL, ids, 1, text, 8, NULL, &len, &error));
  REFUSED(vdb_keys_of_ids_at(db, NULL, ids, 1, text, 8, offsets, NULL, &error));
  REFUSED(vdb_get_meta_at(NULL, NULL, ids, 1, text, 8, offsets, &len, &error));
  REFUSED(vdb_get_meta_at(db, NULL, NULL, 1, text, 8, offsets, &len, &error));
  REFUSED(vdb_get_meta_at(db, NULL, ids, 1, NULL, 8, offsets, &len, &error));
  REFUSED(vdb_get_meta_at(db, NULL, ids, 1, text, 8, NULL, &len, &error));
  REFUSED(vdb_get_meta_at(db, NULL, ids, 1, text, 8, offsets, NULL, &error));
  REFUSED(vdb_backup(NULL, "to", NULL, NULL, &error));
  REFUSED(vdb_backup(db, NULL, NULL, NULL, &error));
  REFUSED(vdb_export(NULL, "to.npy", NULL, NULL, NULL, &error));
  REFUSED(vdb_export(db, NULL, "npy", NULL, NULL, &error));
  REFUSED(vdb_import(NULL, "from.npy", NULL, NULL, &error));
  REFUSED(vdb_import(db, NULL, "npy", NULL, &error));
  REFUSED(vdb_stats_get(NULL, NULL, &error));
  REFUSED(vdb_stats_get(db, NULL, &error));
  REFUSED(vdb_explain(NULL, rows, 2, 1, NULL, NULL, 0, &len, &error));
  REFUSED(vdb_explain(db, NULL, 2, 1, NULL, NULL, 0, &len, &error));
  REFUSED(vdb_explain(db, rows, 2, 1, NULL, NULL, 1, &len, &error));
  REFUSED(vdb_explain(db, rows, 2, 1, NULL, NULL, 0, NULL, &error));
  REFUSED(vdb_columns_get(NULL, NULL, 0, &len, &error));
  REFUSED(vdb_columns_get(db, NULL, 1, &len, &error));
  REFUSED(vdb_columns_get(db, NULL, 0, NULL, &error));
  REFUSED(vdb_option_get_text(NULL, VDB_OPT_DIM, NULL, 0, &len, &error));
  REFUSED(vdb_option_get_text(db, VDB_OPT_DIM, NULL, 1, &len, &error));
  REFUSED(vdb_option_get_text(db, VDB_OPT_DIM, NULL, 0, NULL, &error));
  REFUSED(vdb_cache_clear(NULL, &error));
  REFUSED(vdb_log_read(NULL, NULL, 0, &len, &error));
  REFUSED(vdb_log_read(db, NULL, 1, &len, &error));
  REFUSED(vdb_log_read(db, NULL, 0, NULL, &error));
  REFUSED(vdb_latency_get(NULL, VDB_CALL_GET, NULL, &error));
  REFUSED(vdb_latency_get(db, VDB_CALL_GET, NULL, &error));
  REFUSED(vdb_task_new(NULL, &error));
  REFUSED(vdb_task_on_progress(NULL, NULL, NULL, &error));
#undef REFUSED
  CHECK(vdb_task_cancel(NULL) == VDB_ERR_NULL_ARGUMENT);
  CHECK(vdb_task_progress(NULL, &number, &number) == VDB_ERR_NULL_ARGUMENT);
  CHECK(vdb_task_progress(task, NULL, &number) == VDB_ERR_NULL_ARGUMENT);
  CHECK(vdb_task_progress(task, &number, NULL) == VDB_ERR_NULL_ARGUMENT);
  CHECK_OK(vdb_count(db, NULL, &number, &error));
  CHECK_U64(0, number);
  vdb_options_free(options);
  vdb_task_free(task);
  CHECK_OK(vdb_close(db, &error));
}

static void the_record_is_filled_each_time(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  uint64_t ids[2] = {1, 1}, count;
  float rows[4] = {0};
  CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_insert_batch(db, ids, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK(error.item == 1 && error.code == VDB_ERR_ALREADY_EXISTS && error.os_error == 0 && error.message[0] != '\0');
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK(error.item == UINT64_MAX && error.code == VDB_OK && error.message[0] == '\0');
  /* Without a record the status is the same. */
  CHECK(vdb_insert_batch(db, ids, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, NULL) == VDB_ERR_ALREADY_EXISTS);
  /* A short one gets what it has room for and no byte more. */
  unsigned char memory[256];
  for (uint32_t size = 8; size < sizeof memory; size += 13) {
    memset(memory, 0xee, sizeof memory);
    memcpy(memory, &size, sizeof size);
    CHECK(vdb_count(NULL, NULL, &count, (vdb_error_t *)memory) == VDB_ERR_NULL_ARGUMENT);
    for (size_t i = size; i < sizeof memory; i++) CHECK(memory[i] == 0xee);
  }
  /* With a size that cannot hold a status nothing is done. */
  ids[1] = 2;
  for (uint32_t size = 0; size < 8; size++) {
    error.struct_size = size;
    CHECK(vdb_insert_batch(db, ids, rows, 2, 2, 0, VDB_SCALAR_F32, NULL, &error) == VDB_ERR_INVALID_ARGUMENT);
  }
  error.struct_size = sizeof error;
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(0, count);
  CHECK_OK(vdb_close(db, &error));
}

static void misaligned_arrays_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 1);
  uint64_t memory[4] = {0};
  float row[1] = {0}, distances[1];
  uint64_t *odd = (uint64_t *)(void *)((char *)memory + 1);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_insert_batch(db, odd, row, 1, 1, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_count(db, NULL, odd, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_search(db, row, 1, 1, 0, 1, NULL, odd, distances, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

static uint32_t crc32c(const unsigned char *bytes, size_t count) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

/* Changes one byte of the 64-byte header of a file; with `refit` the checksum is made to fit. */
static bool spoil(const char *directory, const char *file, long at, bool refit) {
  char path[600];
  unsigned char header[64];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  FILE *f = fopen(path, "r+b");
  if (f == NULL) return false;
  bool ok = fread(header, sizeof header, 1, f) == 1;
  header[at] ^= 0x40;
  if (refit) {
    uint32_t crc = crc32c(header, 60);
    memcpy(header + 60, &crc, 4);
  }
  rewind(f);
  ok = ok && fwrite(header, sizeof header, 1, f) == 1;
  return fclose(f) == 0 && ok;
}

static void damaged_and_future_files_are_told_apart(void) {
  for (int future = 0; future <= 1; future++) {
    vdb_error_t error = VDB_ERROR_INIT;
    const char *path = temp_path(future ? "future" : "damaged");
    vdb *db = open_db(path, 4);
    insert_noise(db, 1, 100, 4);
    CHECK_OK(vdb_close(db, &error));
    REQUIRE(spoil(path, "CURRENT", 8, future)); /* byte 8 is the major version of the format */
    CHECK_STATUS(future ? VDB_ERR_FORMAT_TOO_NEW : VDB_ERR_CORRUPT, vdb_open(path, NULL, &db, &error));
    CHECK(db == NULL && strstr(error.message, "CURRENT") != NULL);
  }
}

/* The descriptor of the write-ahead log of this process, by its name in /proc. */
static int log_descriptor(void) {
  DIR *all = opendir("/proc/self/fd");
  int result = -1;
  for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;) {
    char link[300], target[600];
    snprintf(link, sizeof link, "/proc/self/fd/%.200s", entry->d_name);
    ssize_t len = readlink(link, target, sizeof target - 1);
    if (len <= 0) continue;
    target[len] = '\0';
    if (strstr(target, "/wal-") != NULL) result = atoi(entry->d_name);
  }
  if (all != NULL) closedir(all);
  return result;
}

/* The disk is full, and then the log cannot even take back the half record: the batch is
 * refused, later writes are refused, reads go on, and a new open recovers. */
static void a_full_disk_loses_nothing(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("full");
  vdb *db = open_db(path, 4);
  insert_noise(db, 1, 100, 4);
  int log = log_descriptor(), full = open("/dev/full", O_RDWR), saved = log < 0 ? -1 : dup(log);
  if (log < 0 || full < 0 || saved < 0) {
    skip("no /proc or no /dev/full to play a full disk with");
    CHECK_OK(vdb_close(db, &error));
    return;
  }
  uint64_t id = 1000, count = 0, near;
  float row[4] = {0}, distance;
  dup2(full, log);
  CHECK_STATUS(VDB_ERR_NO_SPACE, vdb_insert_batch(db, &id, row, 1, 4, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK(error.os_error == ENOSPC);
  CHECK_STATUS(VDB_ERR_POISONED, vdb_insert_batch(db, &id, row, 1, 4, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(100, count);
  CHECK_OK(vdb_search(db, row, 1, 4, 0, 1, NULL, &near, &distance, NULL, &error));
  dup2(saved, log);
  close(saved);
  close(full);
  vdb_close(db, NULL); /* may or may not manage its checkpoint */
  REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(100, count);
  CHECK_OK(vdb_insert_batch(db, &id, row, 1, 4, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* In a child whose address space ends soon: the batch is refused whole. */
static void no_memory_is_a_status(void) {
#if defined(__SANITIZE_ADDRESS__)
  skip("the address sanitizer needs all of the address space: memory limits are not tested under it");
#else
  if (quick()) {
    skip("memory limits are not tested under valgrind");
    return;
  }
  enum { DIM = 1024, ROWS = 40000 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = NULL;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    uint64_t *ids = malloc(ROWS * sizeof *ids);
    float *rows = calloc((size_t)ROWS * DIM, sizeof *rows);
    db = open_db(NULL, DIM);
    for (uint64_t i = 0; i < ROWS; i++) ids[i] = i;
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%ld", &pages) != 1) _exit(3);
    fclose(statm);
    rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64 << 20);
    struct rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
    vdb_status_t status = vdb_insert_batch(db, ids, rows, ROWS, DIM, 0, VDB_SCALAR_F32, NULL, &error);
    uint64_t count = 1;
    vdb_status_t counted = vdb_count(db, NULL, &count, NULL);
    /* A smaller batch fits. */
    vdb_status_t smaller = vdb_insert_batch(db, ids, rows, 100, DIM, 0, VDB_SCALAR_F32, NULL, NULL);
    bool told = error.code == VDB_ERR_NO_MEMORY && error.message[0] != '\0';
    _exit(status == VDB_ERR_NO_MEMORY && told && counted == VDB_OK && count == 0 && smaller == VDB_OK ? 0 : 1);
  }
  int how = 0;
  waitpid(child, &how, 0);
  if (WIFEXITED(how) && WEXITSTATUS(how) == 3) {
    skip("no /proc to learn the size of the process from");
    return;
  }
  CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
#endif
}

/* Runs last of all files. */
static void every_status_was_provoked(void) {
  static const vdb_status_t provoked[] = {
      VDB_OK, VDB_DONE, VDB_PARTIAL,
      VDB_ERR_INVALID_ARGUMENT, VDB_ERR_NULL_ARGUMENT, VDB_ERR_DIMENSION, VDB_ERR_UNSUPPORTED,
      VDB_ERR_UNKNOWN_OPTION, VDB_ERR_OUT_OF_RANGE, VDB_ERR_NOT_FINITE, VDB_ERR_BUFFER_TOO_SMALL,
      VDB_ERR_NOT_FOUND, VDB_ERR_ALREADY_EXISTS, VDB_ERR_CLOSED, VDB_ERR_BUSY, VDB_ERR_POISONED,
      VDB_ERR_READ_ONLY,
      VDB_ERR_CANCELLED, VDB_ERR_MISMATCH, VDB_ERR_IO, VDB_ERR_LOCKED,
      VDB_ERR_NO_SPACE, VDB_ERR_CORRUPT, VDB_ERR_FORMAT_TOO_NEW, VDB_ERR_LIMIT,
  };
  /* Not here: FILTER_SYNTAX, DEADLINE, FORMAT_TOO_OLD are reserved; PANIC and
   * INTERNAL need a bug (src/capi/boundary.rs makes one for PANIC); FORKED and NO_MEMORY are
   * seen in child processes, whose tests tell by their exit status. */
  for (size_t i = 0; i < sizeof provoked / sizeof provoked[0]; i++) {
    if (!status_seen(provoked[i])) fail(__FILE__, __LINE__, "%s was never provoked", vdb_status_name(provoked[i]));
  }
}

TEST_TABLE(errors) = {
    TEST(null_is_refused_for_each_pointer),
    TEST(the_record_is_filled_each_time),
    TEST(misaligned_arrays_are_refused),
    TEST(damaged_and_future_files_are_told_apart),
    TEST(a_full_disk_loses_nothing),
    TEST(no_memory_is_a_status),
    TEST(every_status_was_provoked),
    END_OF_TESTS,
};
