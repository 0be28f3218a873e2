/* driver.c: builds one index or answers queries from it, and measures.
 *
 *   driver build METRIC M EF_CONSTRUCTION BASE.npy INDEX
 *   driver serve METRIC M EF_CONSTRUCTION QUERIES.npy INDEX
 *
 * `serve` reads commands from stdin, one a line, so that compare.py can interleave
 * several libraries in one run:  search K EF RERANK RECALL IDS_OUT  |  quit
 * Every answer is one JSON object on one line. Times are CPU time of the whole
 * process (a library that searches on a helper thread pays for it) and wall time. */
#include <inttypes.h>

#include "peer.h"
#include "probe.h"

static int build(const struct peer_spec *spec, const npy_array *rows, const char *path) {
    double cpu = cpu_s(), wall = wall_s();
    if (peer_build(spec, rows, path) != 0) return 1;
    printf("{\"version\": \"%s\", \"rows\": %zu, \"cpu_s\": %.6f, \"wall_s\": %.6f, \"peak_bytes\": %" PRIu64 "}\n",
           peer_version(), rows->rows, cpu_s() - cpu, wall_s() - wall,
           memory_bytes("VmHWM"));
    return 0;
}

/* Answers every query once, one per call; writes the ids as raw u64 to `out_path`. */
static int search_all(const npy_array *queries, size_t k, const struct peer_search *how, const char *out_path) {
    size_t count = queries->rows * k;
    uint64_t *ids = (uint64_t *)calloc(count ? count : 1, sizeof *ids);
    FILE *out = fopen(out_path, "wb");
    int failed = !ids || !out || peer_configure(how) != 0;
    double cpu = cpu_s(), wall = wall_s();
    for (size_t i = 0; i < queries->rows && !failed; i++) failed = peer_search(npy_row(queries, i), k, ids + i * k) != 0;
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

static int serve(const struct peer_spec *spec, const npy_array *queries, const char *path) {
    char line[4096], out_path[4000];
    uint64_t anon = memory_bytes("RssAnon"), file = memory_bytes("RssFile");
    double wall = wall_s();
    if (peer_open(spec, path) != 0) return 1;
    printf("{\"version\": \"%s\", \"open_s\": %.6f, \"anon_bytes_before\": %" PRIu64 ", \"file_bytes_before\": %" PRIu64
           "}\n", peer_version(), wall_s() - wall, anon, file);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4) != 0) {
        size_t k;
        struct peer_search how;
        if (sscanf(line, "search %zu %" SCNu32 " %" SCNu32 " %f %3999s", &k, &how.ef, &how.rerank, &how.recall,
                   out_path) != 5) {
            fprintf(stderr, "unknown command: %s", line);
            return 1;
        }
        if (search_all(queries, k, &how, out_path) != 0) return 1;
        fflush(stdout);
    }
    return peer_close();
}

int main(int argc, char **argv) {
    npy_array rows;
    struct peer_spec spec;
    int status;
    if (argc != 7) {
        fprintf(stderr, "usage: %s build|serve METRIC M EF_CONSTRUCTION ROWS.npy INDEX\n", argv[0]);
        return 2;
    }
    if (!npy_load(argv[5], &rows)) return 1;
    spec.metric = argv[2];
    spec.type = rows.type;
    spec.dim = rows.cols;
    spec.m = (uint32_t)strtoul(argv[3], NULL, 10);
    spec.ef_construction = (uint32_t)strtoul(argv[4], NULL, 10);
    spec.capacity = rows.rows;
    status = strcmp(argv[1], "build") == 0 ? build(&spec, &rows, argv[6]) : serve(&spec, &rows, argv[6]);
    npy_free(&rows);
    return status;
}
