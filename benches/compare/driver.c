/* driver.c: builds one index, answers queries from it or changes it, and measures.
 *
 *   driver build  METRIC M EF_CONSTRUCTION THREADS INDEX ROWS.npy
 *   driver serve  METRIC M EF_CONSTRUCTION THREADS INDEX QUERIES.npy
 *   driver change METRIC M EF_CONSTRUCTION THREADS INDEX QUERIES.npy ROWS.npy CAPACITY
 *
 * `serve` and `change` read commands from stdin, one a line, so that several libraries can
 * take turns in one run:
 *
 *   search K EF RERANK RECALL IDS_OUT         every query once, one a call
 *   batch K EF RERANK RECALL IDS_OUT THREADS  all queries at once, shared out among threads
 *   filter [IDS.npy ...]                      searches find only rows of these ids (u64), or all again
 *   add FIRST COUNT                           rows FIRST.. under their numbers, and the upkeep
 *   replace GONE COUNT FIRST                  the same, in the places of as many rows from GONE on
 *   ingest FIRST COUNT                        rows FIRST.. in one batch, without the upkeep
 *   settle                                    the upkeep
 *   quit
 *
 * Every answer is one JSON object on one line. Times are CPU time of the whole
 * process (a library that works on a helper thread pays for it) and wall time. */
#include <inttypes.h>
#include <pthread.h>

#include "peer.h"
#include "probe.h"

enum { BATCH = 1000, THREADS_MAX = 64 };

/* Indexes rows first.. of the array under their numbers. Where `gone` is not `first` as many rows
 * from there on are removed, a batch before each batch added. */
static int add(const npy_array *rows, size_t first, size_t count, size_t gone) {
    uint64_t ids[BATCH], old[BATCH];
    for (size_t done = 0; done < count;) {
        size_t batch = count - done < BATCH ? count - done : BATCH;
        for (size_t i = 0; i < batch; i++) {
            ids[i] = first + done + i;
            old[i] = gone + done + i;
        }
        if (gone != first && peer_remove(old, batch) != 0) return 1;
        if (peer_add(ids, npy_row(rows, first + done), batch) != 0) return 1;
        done += batch;
    }
    return peer_settle();
}

static int build(const struct peer_spec *spec, const npy_array *rows, const char *path) {
    double cpu = cpu_s(), wall = wall_s();
    if (peer_create(spec, path) != 0 || add(rows, 0, rows->rows, 0) != 0 || peer_store(path) != 0 || peer_close() != 0)
        return 1;
    printf("{\"version\": \"%s\", \"rows\": %zu, \"cpu_s\": %.6f, \"wall_s\": %.6f, \"peak_bytes\": %" PRIu64 "}\n",
           peer_version(), rows->rows, cpu_s() - cpu, wall_s() - wall,
           memory_bytes("VmHWM"));
    return 0;
}

/* A part of the queries, for one thread. */
struct share {
    const npy_array *queries;
    size_t first, end, at_once, k;
    uint64_t *ids;
    int failed;
};

static void *answer(void *argument) {
    struct share *share = (struct share *)argument;
    for (size_t i = share->first; i < share->end && !share->failed; i += share->at_once) {
        size_t count = share->end - i < share->at_once ? share->end - i : share->at_once;
        share->failed = peer_search(npy_row(share->queries, i), count, share->k, share->ids + i * share->k) != 0;
    }
    return NULL;
}

/* Answers every query once on `threads` threads, this one among them or the library's own; 0 threads: one query a
 * call. */
static int answer_all(const npy_array *queries, size_t k, size_t threads, uint64_t *ids) {
    struct share shares[THREADS_MAX];
    pthread_t running[THREADS_MAX];
    size_t parts = threads && !peer_shares() ? threads : 1, part = (queries->rows + parts - 1) / parts, started = 1;
    int failed = parts > THREADS_MAX;
    for (size_t i = 0; i < parts && !failed; i++) {
        size_t first = i * part < queries->rows ? i * part : queries->rows;
        size_t end = first + part < queries->rows ? first + part : queries->rows;
        shares[i] = (struct share){queries, first, end, threads ? (end - first ? end - first : 1) : 1, k, ids, 0};
    }
    for (; started < parts && !failed; started += !failed)
        failed = pthread_create(&running[started], NULL, answer, &shares[started]) != 0;
    if (!failed) answer(&shares[0]);
    for (size_t i = 1; i < started; i++) pthread_join(running[i], NULL);
    for (size_t i = 0; i < parts && !failed; i++) failed = shares[i].failed;
    return failed;
}

/* Measures answer_all; writes the ids as raw u64 to `out_path`. */
static int search_all(const npy_array *queries, size_t k, size_t threads, const struct peer_search *how,
                      const char *out_path) {
    size_t count = queries->rows * k;
    uint64_t *ids = (uint64_t *)calloc(count ? count : 1, sizeof *ids);
    FILE *out = fopen(out_path, "wb");
    int failed = !ids || !out || peer_configure(how) != 0;
    double cpu = cpu_s(), wall = wall_s();
    if (!failed) failed = answer_all(queries, k, threads, ids);
    cpu = cpu_s() - cpu;
    wall = wall_s() - wall;
    if (!failed) failed = fwrite(ids, sizeof *ids, count, out) != count;
    if (out && fclose(out) != 0) failed = 1;
    free(ids);
    if (failed) return 1;
    printf("{\"queries\": %zu, \"cpu_s\": %.9f, \"wall_s\": %.9f, \"anon_bytes\": %" PRIu64 ", \"file_bytes\": %" PRIu64
           "}\n", queries->rows, cpu, wall, memory_bytes("RssAnon"), memory_bytes("RssFile"));
    return 0;
}

static int add_at_once(const npy_array *rows, size_t first, size_t count) {
    uint64_t *ids = (uint64_t *)malloc((count ? count : 1) * sizeof *ids);
    int failed = !ids;
    for (size_t i = 0; i < count && ids; i++) ids[i] = first + i;
    if (!failed) failed = peer_add(ids, npy_row(rows, first), count);
    free(ids);
    return failed;
}

/* Obeys a command that changes rows; -1 when it is none. */
static int change(const char *line, const npy_array *rows) {
    size_t first = 0, count = 0, gone = 0;
    enum { ADD, REPLACE, INGEST, SETTLE } what;
    if (sscanf(line, "add %zu %zu", &first, &count) == 2) what = ADD;
    else if (sscanf(line, "replace %zu %zu %zu", &gone, &count, &first) == 3) what = REPLACE;
    else if (sscanf(line, "ingest %zu %zu", &first, &count) == 2) what = INGEST;
    else if (strncmp(line, "settle", 6) == 0) what = SETTLE;
    else return -1;
    if (first + count > rows->rows || gone + count > rows->rows) return 1;
    double cpu = cpu_s(), wall = wall_s();
    int failed = what == SETTLE   ? peer_settle()
                 : what == INGEST ? add_at_once(rows, first, count)
                                  : add(rows, first, count, what == REPLACE ? gone : first);
    printf("{\"rows\": %zu, \"cpu_s\": %.6f, \"wall_s\": %.6f}\n", count, cpu_s() - cpu, wall_s() - wall);
    return failed;
}

/* Lets searches find the rows of an array of ids, or all rows if there is no path. */
static int filter(const char *path) {
    npy_array ids = {0};
    if (path && (!npy_load(path, &ids) || strcmp(ids.type, "u8") != 0)) return 1;
    double cpu = cpu_s(), wall = wall_s();
    int failed = peer_filter((const uint64_t *)ids.data, ids.rows);
    printf("{\"rows\": %zu, \"cpu_s\": %.6f, \"wall_s\": %.6f}\n", ids.rows, cpu_s() - cpu, wall_s() - wall);
    npy_free(&ids);
    return failed;
}

/* Runs one command; rows are NULL where they cannot change. */
static int obey(const char *line, const npy_array *queries, const npy_array *rows) {
    static char out_path[4000];
    size_t k, threads = 0;
    int status = rows ? change(line, rows) : -1;
    struct peer_search how;
    if (status >= 0) return status;
    if (sscanf(line, "search %zu %" SCNu32 " %" SCNu32 " %f %3999s", &k, &how.ef, &how.rerank, &how.recall, out_path) == 5)
        return search_all(queries, k, 0, &how, out_path);
    if (sscanf(line, "batch %zu %" SCNu32 " %" SCNu32 " %f %3999s %zu", &k, &how.ef, &how.rerank, &how.recall, out_path,
               &threads) == 6)
        return search_all(queries, k, threads, &how, out_path);
    if (sscanf(line, "filter %3999s", out_path) == 1) return filter(out_path);
    if (strcmp(line, "filter\n") == 0) return filter(NULL);
    fprintf(stderr, "unknown command: %s", line);
    return 1;
}

/* Says that the index is there, then obeys. */
static int serve(const struct peer_spec *spec, const npy_array *queries, const npy_array *rows, const char *path) {
    char line[4096];
    uint64_t anon = memory_bytes("RssAnon"), file = memory_bytes("RssFile");
    double wall = wall_s();
    if ((rows ? peer_create(spec, path) : peer_open(spec, path)) != 0) return 1;
    printf("{\"version\": \"%s\", \"open_s\": %.6f, \"anon_bytes_before\": %" PRIu64 ", \"file_bytes_before\": %" PRIu64
           "}\n", peer_version(), wall_s() - wall, anon, file);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4) != 0) {
        if (obey(line, queries, rows) != 0) return 1;
        fflush(stdout);
    }
    return peer_close();
}

static uint32_t number(const char *text) { return (uint32_t)strtoul(text, NULL, 10); }

int main(int argc, char **argv) {
    npy_array first, rows;
    int changes = argc == 10 && strcmp(argv[1], "change") == 0, status;
    if (argc != 8 && !changes) {
        fprintf(stderr, "usage: %s build|serve|change METRIC M EF_CONSTRUCTION THREADS INDEX ROWS.npy [...]\n", argv[0]);
        return 2;
    }
    if (!npy_load(argv[7], &first) || (changes && !npy_load(argv[8], &rows))) return 1;
    struct peer_spec spec = {argv[2], first.type, first.cols, number(argv[3]), number(argv[4]), number(argv[5]),
                             changes ? strtoull(argv[9], NULL, 10) : first.rows};
    if (strcmp(argv[1], "build") == 0) status = build(&spec, &first, argv[6]);
    else status = serve(&spec, &first, changes ? &rows : NULL, argv[6]);
    npy_free(&first);
    if (changes) npy_free(&rows);
    return status;
}
