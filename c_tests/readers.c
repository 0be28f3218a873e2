/* Handles that only read, beside a writer in another process. */
#define _GNU_SOURCE
#include "harness.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
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
  CHECK_OK(vdb_count(reader, NULL, &count, &error));
  CHECK_U64(BATCH, count);
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_count(reader, NULL, &count, &error));
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
    CHECK_OK(vdb_count(reader, NULL, &count, &error));
    CHECK(count >= last && count % BATCH == 0);
    moves += count > last;
    last = count;
  }
  CHECK(moves >= 5);
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(path, NULL, &second, &error));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_count(reader, NULL, &last, &error));

  REQUIRE_OK(vdb_open(path, NULL, &second, &error));
  CHECK_OK(vdb_count(second, NULL, &count, &error));
  CHECK_U64(count, last);
  CHECK_OK(vdb_checkpoint(second, NULL, &error));
  CHECK_OK(vdb_close(second, &error));
  CHECK_OK(vdb_count(reader, NULL, &count, &error));
  CHECK_U64(last, count);
  CHECK_OK(vdb_refresh(reader, &error));
  CHECK_OK(vdb_close(reader, &error));
  close(ready[0]), close(ready[1]);
}

/* One writer and three readers as processes. Batch n (from 0) replaces or deletes group
 * n % GROUPS; so who knows the LSN, which is the number of batches, knows all rows. */
enum { GROUPS = 16, GROUP = 20, K = 30 };

typedef struct shared {
  const char *path;
  bool deletes;
  atomic_ullong acknowledged;
  /* Readers that have seen a few states. */
  atomic_int up_to_date;
  atomic_bool over;
} shared;

/* Rounds of a group: in the last of four it is deleted, where there are deletes. */
static bool is_deleted(const shared *s, uint64_t round) { return s->deletes && round % 4 == 3; }

/* Small whole numbers, so that distances are exact. */
static void row(uint64_t id, uint64_t round, float *vector) {
  uint64_t state = id << 40 | round;
  for (int i = 0; i < 4; i++) (void)noise(&state);
  for (int i = 0; i < DIM; i++) vector[i] = (float)(int)(noise(&state) * 100);
}

static bool write_batch(shared *s, vdb *db, uint64_t n) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[GROUP], round = n / GROUPS, deleted = 0;
  float vectors[GROUP * DIM];
  for (uint64_t i = 0; i < GROUP; i++) {
    ids[i] = n % GROUPS * GROUP + i;
    row(ids[i], round, vectors + i * DIM);
  }
  return is_deleted(s, round)
             ? CHECK_OK(vdb_delete_batch(db, ids, GROUP, &deleted, &error)) && deleted == GROUP
             : CHECK_OK(vdb_upsert_batch(db, ids, vectors, GROUP, DIM, 0, VDB_SCALAR_F32, NULL, &error));
}

static bool write_until_over(void *argument) {
  shared *s = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(s->path, DIM, (const char *const[]){"index.graph_min_rows", "100", "storage.durability",
                                                               "process", NULL});
  bool ok = true;
  for (uint64_t n = 0; ok && !atomic_load(&s->over); n++) {
    ok = write_batch(s, db, n);
    atomic_store(&s->acknowledged, n + 1);
    if (n % 50 == 49) ok &= CHECK_OK(vdb_checkpoint(db, NULL, &error));
  }
  return CHECK_OK(vdb_close(db, &error)) && ok;
}

/* The distance of an id after `lsn` batches; negative when it is not there. */
static float expected_distance(const shared *s, uint64_t lsn, uint64_t id, const float *query) {
  uint64_t group = id / GROUP;
  if (lsn <= group) return -1;
  uint64_t round = (lsn - 1 - group) / GROUPS;
  float vector[DIM], sum = 0;
  if (is_deleted(s, round)) return -1;
  row(id, round, vector);
  for (int i = 0; i < DIM; i++) sum += (vector[i] - query[i]) * (vector[i] - query[i]);
  return sum;
}

/* Two searches, one exact and one by graph: full, in order, each id once, living rows at
 * their distances; the exact one leaves no nearer row out. */
static bool check_searches(const shared *s, vdb *db, uint64_t lsn, const float *query) {
  vdb_error_t error = VDB_ERROR_INIT;
  float all[GROUPS * GROUP];
  uint32_t live = 0;
  for (uint64_t id = 0; id < GROUPS * GROUP; id++) live += (all[id] = expected_distance(s, lsn, id, query)) >= 0;
  for (int exact = 0; exact < 2; exact++) {
    uint64_t ids[K];
    float distances[K];
    uint32_t count = 0, nearer = 0;
    bool seen[GROUPS * GROUP] = {false};
    bool ok = exact ? CHECK_OK(vdb_search_exact(db, query, 1, DIM, 0, K, NULL, ids, distances, &count, &error))
                    : CHECK_OK(vdb_search(db, query, 1, DIM, 0, K, NULL, ids, distances, &count, &error));
    ok &= count == (live < K ? live : K);
    for (uint32_t i = 0; ok && i < count; i++) {
      ok = ids[i] < GROUPS * GROUP && !seen[ids[i]] && distances[i] == all[ids[i]];
      ok &= i == 0 || distances[i - 1] <= distances[i];
      if (ok) seen[ids[i]] = true;
    }
    for (int id = 0; ok && exact && count > 0 && id < GROUPS * GROUP; id++)
      nearer += all[id] >= 0 && all[id] < distances[count - 1] && !seen[id];
    if (ok && nearer == 0) continue;
    fail(__FILE__, __LINE__, "LSN %llu, exact %d: a wrong answer", (unsigned long long)lsn, exact);
    return false;
  }
  return true;
}

static bool read_until_over(void *argument) {
  shared *s = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_stats_t stats = {.struct_size = sizeof stats};
  uint64_t last = 0, moves = 0, state = (uint64_t)getpid();
  vdb *db = open_to_read(s->path);
  bool ok = db != NULL, over = false;
  /* Once more after the end, so that the last state is seen. */
  while (ok && !over) {
    over = atomic_load(&s->over);
    uint64_t acknowledged = atomic_load(&s->acknowledged);
    float query[DIM];
    for (int i = 0; i < DIM; i++) query[i] = (float)(int)(noise(&state) * 100);
    ok = CHECK_OK(vdb_refresh(db, &error)) && CHECK_OK(vdb_stats_get(db, &stats, &error));
    ok = ok && stats.lsn >= last && stats.lsn >= acknowledged && check_searches(s, db, stats.lsn, query);
    if (stats.lsn > last && ++moves == 3) atomic_fetch_add(&s->up_to_date, 1);
    last = stats.lsn;
  }
  CHECK(moves >= 3);
  return CHECK_OK(vdb_close(db, &error)) && ok && moves >= 3;
}

static void three_processes_read_what_a_fourth_writes(bool deletes) {
  shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(s != MAP_FAILED);
  s->path = temp_path("read");
  s->deletes = deletes;
  child writer = start_child(write_until_over, s), readers[3];
  double start = now_s();
  while (atomic_load(&s->acknowledged) == 0 && now_s() - start < 60) usleep(1000);
  for (int i = 0; i < 3; i++) readers[i] = start_child(read_until_over, s);
  start = now_s();
  uint64_t enough = atomic_load(&s->acknowledged) + 200;
  while (now_s() - start < 60) {
    bool is_enough = atomic_load(&s->acknowledged) >= enough && atomic_load(&s->up_to_date) == 3;
    if (is_enough && now_s() - start >= (quick() ? 2 : 5)) break;
    usleep(10000);
  }
  atomic_store(&s->over, true);
  for (int i = 0; i < 3; i++) CHECK(end_child(readers[i]));
  CHECK(end_child(writer));
  munmap(s, sizeof *s);
}

static void three_processes_read_beside_a_writer_that_deletes(void) { three_processes_read_what_a_fourth_writes(true); }

static void three_processes_read_beside_a_writer_that_adds(void) { three_processes_read_what_a_fourth_writes(false); }

TEST_TABLE(readers) = {
    TEST(a_reader_refuses_writes),
    TEST(a_reader_follows_a_writer_until_it_is_killed_and_after),
    TEST(three_processes_read_beside_a_writer_that_deletes),
    TEST(three_processes_read_beside_a_writer_that_adds),
    END_OF_TESTS,
};
