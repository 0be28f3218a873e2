/* Handles that only read, beside a writer in another process. */
#define _GNU_SOURCE
#include "harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIM = 4, BATCH = 10 };

static vdb *open_to_read(const char *path) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = NULL;
  vdb *db = NULL;
  CHECK_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_READ_ONLY, 1, &error));
  CHECK_OK(vdb_open(path, options, &db, &error));
  vdb_options_free(options);
  return db;
}

static void a_reader_refuses_writes(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("refused");
  float row[DIM] = {1, 2, 3, 4};
  uint64_t id = 1, count = 0, value = 0;
  vdb *writer = open_db(path, DIM);
  insert_noise(writer, 1, BATCH, DIM);
  vdb *reader = open_to_read(path);
  REQUIRE(reader != NULL);
  CHECK_STATUS(VDB_ERR_READ_ONLY,
               vdb_insert_batch(reader, &id, row, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY,
               vdb_upsert_batch(reader, &id, row, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_delete_batch(reader, &id, 1, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_sync(reader, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_checkpoint(reader, NULL, &error));
  CHECK_OK(vdb_wait_indexed(reader, NULL, &error));
  CHECK_OK(vdb_option_get_u64(reader, VDB_OPT_READ_ONLY, &value, &error));
  CHECK_U64(1, value);

  insert_noise(writer, 100, BATCH, DIM);
  CHECK_OK(vdb_count(reader, &count, &error));
  CHECK_U64(BATCH, count);
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_count(reader, &count, &error));
  CHECK_U64(2 * BATCH, count);
  CHECK_OK(vdb_refresh(writer, &error));
  CHECK_OK(vdb_close(writer, &error));
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_close(reader, &error));
}

static void a_reader_follows_a_writer_until_it_is_killed_and_after(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("followed");
  int ready[2];
  char byte = 0;
  CHECK(pipe(ready) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    vdb *db = open_db(path, DIM);
    for (uint64_t first = 1;; first += BATCH) {
      insert_noise(db, first, BATCH, DIM);
      if (first % (20 * BATCH) == 1 && vdb_checkpoint(db, NULL, NULL) != VDB_OK) _exit(1);
      if (first == 1 && write(ready[1], &byte, 1) != 1) _exit(2);
    }
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  vdb *reader = open_to_read(path), *second = NULL;
  REQUIRE(reader != NULL);
  uint64_t count = 0, last = 0, moves = 0;
  double start = now_s();
  while ((now_s() - start < 0.5 || moves < 5) && now_s() - start < 60) {
    CHECK_OK(vdb_refresh(reader, &error));
    CHECK_OK(vdb_count(reader, &count, &error));
    CHECK(count >= last && count % BATCH == 0);
    moves += count > last;
    last = count;
  }
  CHECK(moves >= 5);
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(path, NULL, &second, &error));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_count(reader, &last, &error));

  REQUIRE_OK(vdb_open(path, NULL, &second, &error));
  CHECK_OK(vdb_count(second, &count, &error));
  CHECK_U64(count, last);
  CHECK_OK(vdb_checkpoint(second, NULL, &error));
  CHECK_OK(vdb_close(second, &error));
  CHECK_OK(vdb_count(reader, &count, &error));
  CHECK_U64(last, count);
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_close(reader, &error));
  close(ready[0]), close(ready[1]);
}

TEST_TABLE(readers) = {
    TEST(a_reader_refuses_writes),
    TEST(a_reader_follows_a_writer_until_it_is_killed_and_after),
    END_OF_TESTS,
};
