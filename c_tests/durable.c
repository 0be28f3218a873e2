/* What was acknowledged is there after the process is killed, and gives the same answers. */
#define _GNU_SOURCE
#include "harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIM = 8, BATCH = 25, K = 5 };

/* Row `id` has one vector in every life of the program. */
static void vector_of(uint64_t id, float *vector) { fill_noise(vector, DIM, id + 1000003); }

static vdb_status_t insert_from(vdb *db, uint64_t first, vdb_error_t *error) {
  uint64_t ids[BATCH];
  float vectors[BATCH * DIM];
  for (uint64_t i = 0; i < BATCH; i++) {
    ids[i] = first + i;
    vector_of(first + i, vectors + i * DIM);
  }
  return vdb_insert_batch(db, ids, vectors, BATCH, DIM, 0, VDB_SCALAR_F32, NULL, error);
}

/* Inserts batch after batch and tells the number of each over `pipe` once it is acknowledged. */
static void write_until_killed(vdb *db, uint64_t first, int pipe) {
  vdb_error_t error = VDB_ERROR_INIT;
  for (uint64_t id = first;; id += BATCH) {
    uint64_t end = id + BATCH;
    if (insert_from(db, id, &error) != VDB_OK) _exit(4);
    if ((id / BATCH) % 40 == 39 && vdb_checkpoint(db, NULL, &error) != VDB_OK) _exit(5);
    if (write(pipe, &end, sizeof end) != sizeof end) _exit(6);
  }
}

/* Forks a writer, kills it after a while, returns how many rows it was promised. */
static uint64_t killed_writer(const char *path, const char *durability, uint64_t first, useconds_t after) {
  int ends[2];
  uint64_t promised = first, end;
  CHECK(pipe(ends) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    vdb *db = open_db_with(path, DIM, (const char *const[]){"storage.durability", durability, NULL});
    write_until_killed(db, first, ends[1]);
  }
  close(ends[1]);
  /* The clock starts with the first batch: starting the database may take a while. */
  if (read(ends[0], &end, sizeof end) == sizeof end) promised = end;
  usleep(after);
  kill(child, SIGKILL);
  int how = 0;
  waitpid(child, &how, 0);
  CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
  while (read(ends[0], &end, sizeof end) == sizeof end) promised = end;
  close(ends[0]);
  return promised;
}

/* Whole batches, at least what was promised, each row with its own vector. */
static uint64_t check_rows(vdb *db, uint64_t promised) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t count = 0;
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK(count >= promised && count % BATCH == 0);
  for (uint64_t id = 0; id < count; id++) {
    float expected[DIM], got[DIM];
    uint8_t found = 0;
    vector_of(id, expected);
    CHECK_OK(vdb_get_batch(db, &id, 1, DIM, VDB_SCALAR_F32, got, 0, &found, &error));
    CHECK(found == 1 && memcmp(expected, got, sizeof got) == 0);
  }
  return count;
}

static void killed(const char *durability) {
  const char *path = temp_path(durability);
  uint64_t rows = 0;
  for (int round = 0; round < (quick() ? 2 : 8); round++) {
    vdb_error_t error = VDB_ERROR_INIT;
    vdb *db = NULL;
    uint64_t promised = killed_writer(path, durability, rows, (useconds_t)(20000 + 17000 * round));
    CHECK(promised > rows);
    REQUIRE_OK(vdb_open(path, NULL, &db, &error));
    rows = check_rows(db, promised);
    CHECK_OK(vdb_close(db, &error));
  }
}

static void nothing_acknowledged_is_lost_at_full(void) { killed("full"); }

static void nothing_acknowledged_is_lost_at_process(void) { killed("process"); }

static void a_reopened_database_gives_the_same_answers(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("answers");
  size_t rows = quick() ? 2500 : 6000;
  vdb *db = open_db(path, DIM);
  float query[DIM], before_distances[50 * K], distances[50 * K];
  uint64_t before[50 * K], ids[50 * K];
  insert_noise(db, 1, rows, DIM);
  uint64_t gone[100];
  for (uint64_t i = 0; i < 100; i++) gone[i] = 3 * i + 1;
  CHECK_OK(vdb_delete_batch(db, gone, 100, NULL, &error));
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  for (int life = 0; life < 3; life++) {
    for (uint64_t q = 0; q < 50; q++) {
      fill_noise(query, DIM, 777 + q);
      CHECK_OK(vdb_search(db, query, 1, DIM, 0, K, NULL, ids + q * K, distances + q * K, NULL, &error));
    }
    if (life == 0) {
      memcpy(before, ids, sizeof ids);
      memcpy(before_distances, distances, sizeof distances);
    }
    CHECK(memcmp(before, ids, sizeof ids) == 0 && memcmp(before_distances, distances, sizeof distances) == 0);
    CHECK_OK(vdb_close(db, &error));
    REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  }
  CHECK_OK(vdb_close(db, &error));
}

static void another_process_is_locked_out(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("two");
  int ready[2], done[2];
  char byte = 0;
  CHECK(pipe(ready) == 0 && pipe(done) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    vdb *db = open_db(path, DIM);
    if (write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1) _exit(2);
    _exit(vdb_close(db, NULL) == VDB_OK ? 0 : 1);
  }
  vdb *db = NULL;
  int how = 0;
  CHECK(read(ready[0], &byte, 1) == 1);
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(path, NULL, &db, &error));
  CHECK(write(done[1], &byte, 1) == 1);
  waitpid(child, &how, 0);
  CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
  CHECK_OK(vdb_open(path, NULL, &db, &error));
  CHECK_OK(vdb_close(db, &error));
  close(ready[0]), close(ready[1]), close(done[0]), close(done[1]);
}

TEST_TABLE(durable) = {
    TEST(nothing_acknowledged_is_lost_at_full),
    TEST(nothing_acknowledged_is_lost_at_process),
    TEST(a_reopened_database_gives_the_same_answers),
    TEST(another_process_is_locked_out),
    END_OF_TESTS,
};
