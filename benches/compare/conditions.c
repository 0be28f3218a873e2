/* conditions.c: searches under conditions on metadata, and what the first look at it costs.
 *
 *   conditions METRIC ROWS.npy QUERIES.npy META.jsonl DIRECTORY CONDITION...
 *
 * Line i of META.jsonl is the metadata of row i. Each condition is asked after a new open, so that its path is looked at for
 * the first time; then another handle of it is, as programs make the same filter again and again. Recall is that of a
 * search at `ef` EF against the exact search under the same filter. Times are CPU time on one thread. */
#include "probe.h"
#include "../../examples/npy.h"
#include "vdb_common.h"

#include <inttypes.h>

enum { K = 10, BATCH = 1000, EF = 64, PASSES = 3, LINE_MOST = 1 << 16 };

static npy_array rows, queries;
static struct vdb_setup setup;
static vdb_error_t err = {.struct_size = sizeof err};

/* Inserts all rows with their lines; returns the bytes of metadata. */
static uint64_t fill(vdb *db, FILE *lines) {
    static char meta[BATCH * 2048], line[LINE_MOST];
    uint64_t ids[BATCH], ends[BATCH + 1] = {0}, total = 0;
    for (size_t first = 0; first < rows.rows; first += BATCH) {
        size_t count = rows.rows - first < BATCH ? rows.rows - first : BATCH;
        for (size_t i = 0; i < count; i++) {
            size_t len = fgets(line, sizeof line, lines) ? strcspn(line, "\n") : 0;
            if (ends[i] + len > sizeof meta) exit(1);
            memcpy(meta + ends[i], line, len);
            ends[i + 1] = ends[i] + len;
            ids[i] = first + i;
        }
        total += ends[count];
        check(vdb_insert_records(db, ids, NULL, NULL, npy_row(&rows, first), count, rows.cols, 0,
                                 (vdb_scalar_t)setup.scalar, meta, ends, NULL, &err), "insert", &err);
    }
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    return total;
}

static vdb_filter *parse(const char *text) {
    vdb_filter *filter = NULL;
    check(vdb_filter_parse(text, strlen(text), &filter, &err), text, &err);
    return filter;
}

/* CPU time of a count under a new handle of the condition; the rows that pass. */
static double counted(vdb *db, const char *text, uint64_t *passing) {
    double start = cpu_s();
    vdb_filter *filter = parse(text);
    check(vdb_count(db, filter, passing, &err), "count", &err);
    vdb_filter_free(filter);
    return cpu_s() - start;
}

/* Queries a second with one handle (`kept`), or with a new one for each query; their recall. */
static double searched(vdb *db, const char *text, int kept, double *recall) {
    vdb_search_params_t params = {.struct_size = sizeof params, .query_scalar = (vdb_scalar_t)setup.scalar, .ef = EF};
    vdb_filter *filter = kept && text ? parse(text) : NULL;
    uint64_t ids[K];
    float found[K], exact[K];
    size_t right = 0, there = 0;
    double least = 1e300;
    params.filter = filter;
    for (int pass = 0; pass <= PASSES; pass++) { /* the first one is for recall */
        double start = cpu_s();
        for (size_t i = 0; i < queries.rows; i++) {
            if (!kept) params.filter = filter = parse(text);
            check(vdb_search(db, npy_row(&queries, i), 1, rows.cols, 0, K, &params, ids, found, NULL, &err), "search", &err);
            if (pass == 0) {
                check(vdb_search_exact(db, npy_row(&queries, i), 1, rows.cols, 0, K, &params, ids, exact, NULL, &err),
                      "exact", &err);
                int count = 0;
                while (count < K && ids[count] != VDB_ID_NONE) count++;
                for (int j = 0; j < count; j++, there++) right += found[j] <= exact[count - 1] + 1e-6f; /* a tie is no miss */
            }
            if (!kept) vdb_filter_free(filter);
        }
        if (pass > 0 && cpu_s() - start < least) least = cpu_s() - start;
    }
    if (kept) vdb_filter_free(filter);
    *recall = there ? (double)right / (double)there : 1;
    return (double)queries.rows / least;
}

int main(int argc, char **argv) {
    FILE *lines = argc > 6 ? fopen(argv[4], "r") : NULL;
    if (!lines || !npy_load(argv[2], &rows) || !npy_load(argv[3], &queries) || queries.cols != rows.cols) {
        fprintf(stderr, "usage: %s METRIC ROWS.npy QUERIES.npy META.jsonl DIRECTORY CONDITION...\n", argv[0]);
        return 2;
    }
    setup = (struct vdb_setup){.dim = rows.cols, .metric = metric_of(argv[1]), .scalar = scalar_of(rows.type), .threads = 1};
    vdb *db = open_vdb(argv[5], &setup);
    double recall, start = cpu_s();
    uint64_t bytes = fill(db, lines);
    printf("%zu rows x %zu with %.1f bytes of metadata each: %.1f s of CPU to load and link\n", rows.rows, rows.cols,
           (double)bytes / (double)rows.rows, cpu_s() - start);
    double qps = searched(db, NULL, 1, &recall);
    printf("no filter: %.0f queries/s, recall@%d %.4f at ef %d\n", qps, K, recall, EF);
    for (int i = 6; i < argc; i++) {
        uint64_t passing;
        check(vdb_close(db, &err), "close", &err);
        db = open_vdb(argv[5], &setup);
        double first = counted(db, argv[i], &passing), again = counted(db, argv[i], &passing);
        qps = searched(db, argv[i], 1, &recall);
        printf("%-46s %6" PRIu64 " rows pass  first look %6.1f ms  again %5.2f ms  %6.0f queries/s, parsed anew %6.0f  recall %.4f\n",
               argv[i], passing, first * 1e3, again * 1e3, qps, searched(db, argv[i], 0, &recall), recall);
    }
    return vdb_close(db, &err) < 0;
}
