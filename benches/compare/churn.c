/* churn.c: does the graph stay as good as a new one while its rows are replaced?
 *
 *   churn METRIC ROWS.npy QUERIES.npy DIRECTORY
 *
 * Half of the rows are live. Each round deletes a quarter of them and inserts as many
 * that were not there, so after two rounds 50 % and after four rounds all rows are other
 * ones. After those, recall is compared with a database built fresh from the same rows. */
#include "probe.h"
#include "../../examples/npy.h"
#include "vdb_common.h"

enum { K = 10, ROUNDS = 4, BATCH = 1000 };
static const uint32_t EF[] = {16, 32, 64, 128};

static npy_array rows, queries;
static uint64_t *order; /* a fixed shuffle of the row numbers */
static struct vdb_setup setup;
static vdb_error_t err = {.struct_size = sizeof err};

/* Inserts or deletes `count` rows from place `first` of the shuffle on (it wraps around). */
static void change(vdb *db, size_t first, size_t count, int insert) {
    uint64_t ids[BATCH], deleted;
    char *vectors = (char *)malloc(BATCH * rows.row_bytes);
    for (size_t done = 0; vectors && done < count;) {
        size_t batch = count - done < BATCH ? count - done : BATCH;
        for (size_t i = 0; i < batch; i++) {
            ids[i] = order[(first + done + i) % rows.rows];
            memcpy(vectors + i * rows.row_bytes, npy_row(&rows, ids[i]), rows.row_bytes);
        }
        check(insert ? vdb_insert_batch(db, ids, vectors, batch, rows.cols, 0, (vdb_scalar_t)setup.scalar, NULL, &err)
                     : vdb_delete_batch(db, ids, batch, &deleted, &err), insert ? "insert" : "delete", &err);
        done += batch;
    }
    free(vectors);
}

static double recall(vdb *db, uint32_t ef) {
    vdb_search_params_t params = {.struct_size = sizeof params, .query_scalar = (vdb_scalar_t)setup.scalar, .ef = ef};
    uint64_t ids[K];
    float found[K], exact[K];
    size_t right = 0;
    for (size_t i = 0; i < queries.rows; i++) {
        const void *query = npy_row(&queries, i);
        check(vdb_search(db, query, 1, rows.cols, 0, K, &params, ids, found, NULL, &err), "search", &err);
        check(vdb_search_exact(db, query, 1, rows.cols, 0, K, &params, ids, exact, NULL, &err), "exact", &err);
        for (int j = 0; j < K; j++) right += found[j] <= exact[K - 1] + 1e-6f; /* a tie is no miss */
    }
    return (double)right / (double)(queries.rows * K);
}

static void compare_with_fresh(vdb *churned, size_t first, size_t live, int percent) {
    vdb *fresh = open_vdb(NULL, &setup);
    change(fresh, first, live, 1);
    check(vdb_wait_indexed(fresh, NULL, &err), "wait", &err);
    for (size_t i = 0; i < sizeof EF / sizeof *EF; i++) {
        double ours = recall(churned, EF[i]), theirs = recall(fresh, EF[i]);
        printf("%3d %% replaced  ef %3u  recall %.4f  fresh %.4f  difference %+.4f\n", percent, EF[i], ours, theirs,
               ours - theirs);
    }
    check(vdb_close(fresh, &err), "close", &err);
}

int main(int argc, char **argv) {
    if (argc != 5 || !npy_load(argv[2], &rows) || !npy_load(argv[3], &queries)) {
        fprintf(stderr, "usage: %s METRIC ROWS.npy QUERIES.npy DIRECTORY\n", argv[0]);
        return 2;
    }
    setup = (struct vdb_setup){.dim = rows.cols, .metric = metric_of(argv[1]), .scalar = scalar_of(rows.type)};
    order = (uint64_t *)malloc(rows.rows * sizeof *order);
    if (!order || queries.cols != rows.cols || strcmp(queries.type, rows.type) != 0) return 2;
    for (size_t i = 0; i < rows.rows; i++) { /* Fisher-Yates, fixed seed */
        uint64_t other = i ? (i * 6364136223846793005u + 1442695040888963407u) % (i + 1) : 0;
        order[i] = order[other];
        order[other] = i;
    }
    size_t live = rows.rows / 2, step = live / 4;
    vdb *db = open_vdb(argv[4], &setup);
    change(db, 0, live, 1);
    check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
    for (int round = 1; round <= ROUNDS; round++) {
        double start = cpu_s();
        change(db, (size_t)(round - 1) * step, step, 0);
        change(db, live + (size_t)(round - 1) * step, step, 1);
        check(vdb_wait_indexed(db, NULL, &err), "wait", &err);
        printf("round %d: %zu rows replaced, %.1f CPU-us each\n", round, step, (cpu_s() - start) / (double)step * 1e6);
        if (round % 2 == 0) compare_with_fresh(db, (size_t)round * step, live, 25 * round);
    }
    check(vdb_close(db, &err), "close", &err);
    npy_free(&rows);
    npy_free(&queries);
    free(order);
    return 0;
}
