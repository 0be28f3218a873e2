/* Loads the library named by the first argument at run time, uses it, unloads it, again and
 * again, as plug-ins do; background threads run when it is unloaded. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <vdb.h>

#define LOAD(name) \
  do { \
    void *symbol = dlsym(library, #name); \
    if (symbol == NULL) return fprintf(stderr, "no %s\n", #name), 1; \
    memcpy(&name##_, &symbol, sizeof symbol); \
  } while (0)

int main(int argc, char **argv) {
  for (int round = 0; argc == 2 && round < 20; round++) {
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
    uint32_t (*vdb_abi_version_)(void);
    vdb_status_t (*vdb_options_new_)(vdb_options **, vdb_error_t *);
    vdb_status_t (*vdb_options_set_u64_)(vdb_options *, vdb_option_t, uint64_t, vdb_error_t *);
    void (*vdb_options_free_)(vdb_options *);
    vdb_status_t (*vdb_open_)(const char *, const vdb_options *, vdb **, vdb_error_t *);
    vdb_status_t (*vdb_insert_batch_)(vdb *, const uint64_t *, const void *, size_t, size_t, size_t, vdb_scalar_t,
                                      vdb_task *, vdb_error_t *);
    vdb_status_t (*vdb_close_)(vdb *, vdb_error_t *);
    LOAD(vdb_abi_version);
    LOAD(vdb_options_new);
    LOAD(vdb_options_set_u64);
    LOAD(vdb_options_free);
    LOAD(vdb_open);
    LOAD(vdb_insert_batch);
    LOAD(vdb_close);
    if (vdb_abi_version_() != VDB_ABI_VERSION) return fprintf(stderr, "another ABI\n"), 1;

    enum { ROWS = 500 };
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_options *options = NULL;
    vdb *db = NULL;
    uint64_t ids[ROWS];
    float vectors[ROWS * 2];
    for (int i = 0; i < ROWS; i++) {
      ids[i] = (uint64_t)i;
      vectors[2 * i] = (float)i;
      vectors[2 * i + 1] = (float)(i % 7);
    }
    vdb_status_t status = vdb_options_new_(&options, &error);
    if (status == VDB_OK) status = vdb_options_set_u64_(options, VDB_OPT_DIM, 2, &error);
    if (status == VDB_OK) status = vdb_options_set_u64_(options, VDB_OPT_GRAPH_MIN_ROWS, 100, &error);
    if (status == VDB_OK) status = vdb_open_(NULL, options, &db, &error);
    if (status == VDB_OK) status = vdb_insert_batch_(db, ids, vectors, ROWS, 2, 0, VDB_SCALAR_F32, NULL, &error);
    if (status == VDB_OK) status = vdb_close_(db, &error);
    vdb_options_free_(options);
    if (status != VDB_OK) return fprintf(stderr, "%s\n", error.message), 1;
    if (dlclose(library) != 0) return fprintf(stderr, "%s\n", dlerror()), 1;
  }
  return argc == 2 ? 0 : 1;
}
