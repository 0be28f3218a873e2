/* Made from include/vdb.h by bindings/gen/gen.py. */

static PyObject *call_vdb_version_string(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_version_string", args, 0);
    const char *returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_version_string();
    Py_END_ALLOW_THREADS
    return Py_BuildValue("z", returned);
}

static PyObject *call_vdb_version_number(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_version_number", args, 0);
    uint32_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_version_number();
    Py_END_ALLOW_THREADS
    return Py_BuildValue("I", returned);
}

static PyObject *call_vdb_abi_version(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_abi_version", args, 0);
    uint32_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_abi_version();
    Py_END_ALLOW_THREADS
    return Py_BuildValue("I", returned);
}

static PyObject *call_vdb_status_name(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_status_name", args, 1);
    vdb_status_t status = take_int(&t, "status");
    const char *returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_status_name(status);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("z", returned);
}

static PyObject *call_vdb_build_info(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_build_info", args, 3);
    char *buf = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_build_info(buf, cap, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_options_new(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_options_new", args, 0);
    vdb_options *out_options = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_options_new(&out_options, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_options);
}

static PyObject *call_vdb_options_free(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_options_free", args, 1);
    vdb_options *options = take_handle(&t, "options");
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_options_free(options);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_options_set_u64(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_options_set_u64", args, 3);
    vdb_options *options = take_handle(&t, "options");
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    uint64_t value = take_whole(&t, UINT64_MAX, "value");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_options_set_u64(options, option, value, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_options_set_f64(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_options_set_f64", args, 3);
    vdb_options *options = take_handle(&t, "options");
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    double value = take_float(&t, "value");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_options_set_f64(options, option, value, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_options_set_text(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_options_set_text", args, 3);
    vdb_options *options = take_handle(&t, "options");
    const char *name = take_text(&t);
    const char *value = take_text(&t);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_options_set_text(options, name, value, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_option_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_option_at", args, 1);
    size_t index = (size_t)take_whole(&t, SIZE_MAX, "index");
    vdb_option_info_t info = {0};
    info.struct_size = sizeof info;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_option_at(index, &info, &error);
    Py_END_ALLOW_THREADS
    return returned == VDB_OK ? Py_BuildValue("(IIIzzzddd)", info.id, info.value_type, info.flags, info.name, info.help, info.values, info.default_value, info.min_value, info.max_value) : of_status(returned, &error);
}

static PyObject *call_vdb_open(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_open", args, 2);
    const char *path = take_text(&t);
    const vdb_options *options = take_handle(&t, "options");
    vdb *out_db = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_open(path, options, &out_db, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_db);
}

static PyObject *call_vdb_close(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_close", args, 1);
    vdb *db = take_handle(&t, "db");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_close(db, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_option_get_u64(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_option_get_u64", args, 3);
    const vdb *db = take_handle(&t, "db");
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    uint64_t *value = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_option_get_u64(db, option, value, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_option_get_f64(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_option_get_f64", args, 3);
    const vdb *db = take_handle(&t, "db");
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    double *value = take_written(&t, NPY_FLOAT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_option_get_f64(db, option, value, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_option_get_text(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_option_get_text", args, 5);
    const vdb *db = take_handle(&t, "db");
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    char *text = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_option_get_text(db, option, text, cap, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_insert_batch(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_insert_batch", args, 8);
    vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    const void *vectors = take_read(&t, NPY_VOID);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_insert_batch(db, ids, vectors, count, dim, stride, scalar, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_upsert_batch(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_upsert_batch", args, 8);
    vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    const void *vectors = take_read(&t, NPY_VOID);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_upsert_batch(db, ids, vectors, count, dim, stride, scalar, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_delete_batch(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_delete_batch", args, 4);
    vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *deleted = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_delete_batch(db, ids, count, deleted, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_get_batch(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_get_batch", args, 8);
    const vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    void *vectors = take_written(&t, NPY_VOID);
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    uint8_t *found = take_written(&t, NPY_UINT8);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_get_batch(db, ids, count, dim, scalar, vectors, stride, found, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_count(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_count", args, 3);
    const vdb *db = take_handle(&t, "db");
    const vdb_filter *filter = take_handle(&t, "filter");
    uint64_t *count = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_count(db, filter, count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_filter_ids(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_filter_ids", args, 3);
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    int allow = take_int(&t, "allow");
    vdb_filter *out_filter = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_filter_ids(ids, count, allow, &out_filter, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_filter);
}

static PyObject *call_vdb_filter_parse(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_filter_parse", args, 2);
    const char *text = take_read(&t, NPY_UINT8);
    size_t len = (size_t)take_whole(&t, SIZE_MAX, "len");
    vdb_filter *out_filter = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_filter_parse(text, len, &out_filter, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_filter);
}

static PyObject *call_vdb_filter_bind(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_filter_bind", args, 3);
    const vdb_filter *filter = take_handle(&t, "filter");
    const char *values = take_read(&t, NPY_UINT8);
    size_t len = (size_t)take_whole(&t, SIZE_MAX, "len");
    vdb_filter *out_filter = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_filter_bind(filter, values, len, &out_filter, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_filter);
}

static PyObject *call_vdb_filter_free(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_filter_free", args, 1);
    vdb_filter *filter = take_handle(&t, "filter");
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_filter_free(filter);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_insert_records(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_insert_records", args, 12);
    vdb *db = take_handle(&t, "db");
    uint64_t *ids = take_written(&t, NPY_UINT64);
    const char *keys = take_read(&t, NPY_UINT8);
    const uint64_t *key_offsets = take_read(&t, NPY_UINT64);
    const void *vectors = take_read(&t, NPY_VOID);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    const char *meta = take_read(&t, NPY_UINT8);
    const uint64_t *meta_offsets = take_read(&t, NPY_UINT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_insert_records(db, ids, keys, key_offsets, vectors, count, dim, stride, scalar, meta, meta_offsets, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_upsert_records(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_upsert_records", args, 12);
    vdb *db = take_handle(&t, "db");
    uint64_t *ids = take_written(&t, NPY_UINT64);
    const char *keys = take_read(&t, NPY_UINT8);
    const uint64_t *key_offsets = take_read(&t, NPY_UINT64);
    const void *vectors = take_read(&t, NPY_VOID);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    const char *meta = take_read(&t, NPY_UINT8);
    const uint64_t *meta_offsets = take_read(&t, NPY_UINT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_upsert_records(db, ids, keys, key_offsets, vectors, count, dim, stride, scalar, meta, meta_offsets, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_update_meta_batch(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_update_meta_batch", args, 6);
    vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    const char *meta = take_read(&t, NPY_UINT8);
    const uint64_t *meta_offsets = take_read(&t, NPY_UINT64);
    uint64_t *updated = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_update_meta_batch(db, ids, count, meta, meta_offsets, updated, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_update_meta_where(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_update_meta_where", args, 6);
    vdb *db = take_handle(&t, "db");
    const vdb_filter *filter = take_handle(&t, "filter");
    const char *meta = take_read(&t, NPY_UINT8);
    size_t len = (size_t)take_whole(&t, SIZE_MAX, "len");
    uint64_t *updated = take_written(&t, NPY_UINT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_update_meta_where(db, filter, meta, len, updated, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_delete_where(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_delete_where", args, 4);
    vdb *db = take_handle(&t, "db");
    const vdb_filter *filter = take_handle(&t, "filter");
    uint64_t *deleted = take_written(&t, NPY_UINT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_delete_where(db, filter, deleted, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_delete_keys(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_delete_keys", args, 5);
    vdb *db = take_handle(&t, "db");
    const char *keys = take_read(&t, NPY_UINT8);
    const uint64_t *key_offsets = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *deleted = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_delete_keys(db, keys, key_offsets, count, deleted, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_ids_of_keys(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_ids_of_keys", args, 5);
    const vdb *db = take_handle(&t, "db");
    const char *keys = take_read(&t, NPY_UINT8);
    const uint64_t *key_offsets = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *ids = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_ids_of_keys(db, keys, key_offsets, count, ids, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_keys_of_ids(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_keys_of_ids", args, 7);
    const vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *keys = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *key_offsets = take_written(&t, NPY_UINT64);
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_keys_of_ids(db, ids, count, keys, cap, key_offsets, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_get_meta(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_get_meta", args, 7);
    const vdb *db = take_handle(&t, "db");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *meta = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *meta_offsets = take_written(&t, NPY_UINT64);
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_get_meta(db, ids, count, meta, cap, meta_offsets, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_snapshot_new(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_snapshot_new", args, 1);
    const vdb *db = take_handle(&t, "db");
    vdb_snapshot *out_snapshot = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_snapshot_new(db, &out_snapshot, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_snapshot);
}

static PyObject *call_vdb_snapshot_free(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_snapshot_free", args, 1);
    vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_snapshot_free(snapshot);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_count_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_count_at", args, 4);
    const vdb *db = take_handle(&t, "db");
    const vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    const vdb_filter *filter = take_handle(&t, "filter");
    uint64_t *count = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_count_at(db, snapshot, filter, count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_get_batch_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_get_batch_at", args, 9);
    const vdb *db = take_handle(&t, "db");
    const vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    void *vectors = take_written(&t, NPY_VOID);
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    uint8_t *found = take_written(&t, NPY_UINT8);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_get_batch_at(db, snapshot, ids, count, dim, scalar, vectors, stride, found, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_ids_of_keys_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_ids_of_keys_at", args, 6);
    const vdb *db = take_handle(&t, "db");
    const vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    const char *keys = take_read(&t, NPY_UINT8);
    const uint64_t *key_offsets = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *ids = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_ids_of_keys_at(db, snapshot, keys, key_offsets, count, ids, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_keys_of_ids_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_keys_of_ids_at", args, 8);
    const vdb *db = take_handle(&t, "db");
    const vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *keys = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *key_offsets = take_written(&t, NPY_UINT64);
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_keys_of_ids_at(db, snapshot, ids, count, keys, cap, key_offsets, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_get_meta_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_get_meta_at", args, 8);
    const vdb *db = take_handle(&t, "db");
    const vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    const uint64_t *ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *meta = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *meta_offsets = take_written(&t, NPY_UINT64);
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_get_meta_at(db, snapshot, ids, count, meta, cap, meta_offsets, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search", args, 10);
    const vdb *db = take_handle(&t, "db");
    const void *queries = take_read(&t, NPY_VOID);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *counts = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search(db, queries, query_count, dim, stride, k, params, ids, distances, counts, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search_exact(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search_exact", args, 10);
    const vdb *db = take_handle(&t, "db");
    const void *queries = take_read(&t, NPY_VOID);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *counts = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search_exact(db, queries, query_count, dim, stride, k, params, ids, distances, counts, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search_range(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search_range", args, 9);
    const vdb *db = take_handle(&t, "db");
    const void *query = take_read(&t, NPY_VOID);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    float max_distance = (float)take_float(&t, "max_distance");
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    size_t *count = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search_range(db, query, dim, max_distance, cap, params, ids, distances, count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_measure_recall(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_measure_recall", args, 11);
    const vdb *db = take_handle(&t, "db");
    const void *queries = take_read(&t, NPY_VOID);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    double *recall = take_written(&t, NPY_FLOAT64);
    double *low = take_written(&t, NPY_FLOAT64);
    double *high = take_written(&t, NPY_FLOAT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_measure_recall(db, queries, query_count, dim, stride, k, params, recall, low, high, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search_ids(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search_ids", args, 8);
    const vdb *db = take_handle(&t, "db");
    const uint64_t *row_ids = take_read(&t, NPY_UINT64);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *counts = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search_ids(db, row_ids, count, k, params, ids, distances, counts, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_recommend(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_recommend", args, 10);
    const vdb *db = take_handle(&t, "db");
    const uint64_t *positive = take_read(&t, NPY_UINT64);
    size_t positive_count = (size_t)take_whole(&t, SIZE_MAX, "positive_count");
    const uint64_t *negative = take_read(&t, NPY_UINT64);
    size_t negative_count = (size_t)take_whole(&t, SIZE_MAX, "negative_count");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *count = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_recommend(db, positive, positive_count, negative, negative_count, k, params, ids, distances, count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search_diverse(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search_diverse", args, 10);
    const vdb *db = take_handle(&t, "db");
    const void *query = take_read(&t, NPY_VOID);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    size_t candidates = (size_t)take_whole(&t, SIZE_MAX, "candidates");
    float lambda = (float)take_float(&t, "lambda");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *count = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search_diverse(db, query, dim, k, candidates, lambda, params, ids, distances, count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search_groups(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search_groups", args, 12);
    const vdb *db = take_handle(&t, "db");
    const void *query = take_read(&t, NPY_VOID);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    const char *path = take_read(&t, NPY_UINT8);
    size_t path_len = (size_t)take_whole(&t, SIZE_MAX, "path_len");
    size_t groups = (size_t)take_whole(&t, SIZE_MAX, "groups");
    size_t per_group = (size_t)take_whole(&t, SIZE_MAX, "per_group");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *counts = take_written(&t, NPY_UINT32);
    uint32_t *group_count = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search_groups(db, query, dim, path, path_len, groups, per_group, params, ids, distances, counts, group_count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_search_many(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_search_many", args, 12);
    const vdb *const *dbs = take_read(&t, NPY_UINT64);
    size_t db_count = (size_t)take_whole(&t, SIZE_MAX, "db_count");
    const void *queries = take_read(&t, NPY_VOID);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    uint32_t *sources = take_written(&t, NPY_UINT32);
    uint32_t *counts = take_written(&t, NPY_UINT32);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_search_many(dbs, db_count, queries, query_count, dim, stride, k, params, ids, distances, sources, counts, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_cursor_search(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_cursor_search", args, 4);
    const vdb *db = take_handle(&t, "db");
    const void *query = take_read(&t, NPY_VOID);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    vdb_cursor *out_cursor = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_cursor_search(db, query, dim, params, &out_cursor, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_cursor);
}

static PyObject *call_vdb_cursor_scan(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_cursor_scan", args, 2);
    const vdb *db = take_handle(&t, "db");
    const vdb_filter *filter = take_handle(&t, "filter");
    vdb_cursor *out_cursor = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_cursor_scan(db, filter, &out_cursor, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_cursor);
}

static PyObject *call_vdb_cursor_scan_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_cursor_scan_at", args, 3);
    const vdb *db = take_handle(&t, "db");
    const vdb_snapshot *snapshot = take_handle(&t, "snapshot");
    const vdb_filter *filter = take_handle(&t, "filter");
    vdb_cursor *out_cursor = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_cursor_scan_at(db, snapshot, filter, &out_cursor, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_cursor);
}

static PyObject *call_vdb_cursor_next(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_cursor_next", args, 5);
    vdb_cursor *cursor = take_handle(&t, "cursor");
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *ids = take_written(&t, NPY_UINT64);
    float *distances = take_written(&t, NPY_FLOAT32);
    size_t *count = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_cursor_next(cursor, cap, ids, distances, count, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_cursor_free(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_cursor_free", args, 1);
    vdb_cursor *cursor = take_handle(&t, "cursor");
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_cursor_free(cursor);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_sync(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_sync", args, 1);
    vdb *db = take_handle(&t, "db");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_sync(db, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_checkpoint(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_checkpoint", args, 2);
    vdb *db = take_handle(&t, "db");
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_checkpoint(db, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_wait_indexed(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_wait_indexed", args, 2);
    vdb *db = take_handle(&t, "db");
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_wait_indexed(db, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_refresh(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_refresh", args, 1);
    vdb *db = take_handle(&t, "db");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_refresh(db, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_check(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_check", args, 6);
    const vdb *db = take_handle(&t, "db");
    uint32_t level = (uint32_t)take_whole(&t, UINT32_MAX, "level");
    char *report = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_check(db, level, report, cap, len, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_repair(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_repair", args, 7);
    const char *from = take_text(&t);
    const char *to = take_text(&t);
    const vdb_options *options = take_handle(&t, "options");
    char *report = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_repair(from, to, options, report, cap, len, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_backup(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_backup", args, 4);
    vdb *db = take_handle(&t, "db");
    const char *path = take_text(&t);
    const char *previous = take_text(&t);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_backup(db, path, previous, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_export(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_export", args, 5);
    const vdb *db = take_handle(&t, "db");
    const char *path = take_text(&t);
    const char *format = take_text(&t);
    const vdb_filter *filter = take_handle(&t, "filter");
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_export(db, path, format, filter, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_import(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_import", args, 4);
    vdb *db = take_handle(&t, "db");
    const char *path = take_text(&t);
    const char *format = take_text(&t);
    vdb_task *task = take_handle(&t, "task");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_import(db, path, format, task, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_explain(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_explain", args, 8);
    const vdb *db = take_handle(&t, "db");
    const void *query = take_read(&t, NPY_VOID);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    char *json = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_explain(db, query, dim, k, params, json, cap, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_columns_get(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_columns_get", args, 4);
    const vdb *db = take_handle(&t, "db");
    char *json = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_columns_get(db, json, cap, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_stats_get(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_stats_get", args, 1);
    const vdb *db = take_handle(&t, "db");
    vdb_stats_t stats = {0};
    stats.struct_size = sizeof stats;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_stats_get(db, &stats, &error);
    Py_END_ALLOW_THREADS
    return returned == VDB_OK ? Py_BuildValue("(IKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK)", stats.dim, (unsigned long long)stats.live, (unsigned long long)stats.deleted, (unsigned long long)stats.unindexed, (unsigned long long)stats.graph_nodes, (unsigned long long)stats.graph_unreachable, (unsigned long long)stats.bytes_vectors, (unsigned long long)stats.bytes_codes, (unsigned long long)stats.bytes_graph, (unsigned long long)stats.bytes_ids, (unsigned long long)stats.bytes_wal, (unsigned long long)stats.bytes_mapped, (unsigned long long)stats.searches, (unsigned long long)stats.distance_computations, (unsigned long long)stats.lsn, (unsigned long long)stats.checkpoint_lsn, (unsigned long long)stats.checkpoints, (unsigned long long)stats.compactions, (unsigned long long)stats.chunks, (unsigned long long)stats.bytes_memory, (unsigned long long)stats.bytes_memory_max, (unsigned long long)stats.originals, (unsigned long long)stats.decoded, (unsigned long long)stats.bytes_records, (unsigned long long)stats.bytes_columns, (unsigned long long)stats.snapshots, (unsigned long long)stats.checkpoint_unix_ms, (unsigned long long)stats.slow_queries, (unsigned long long)stats.log_lines_dropped, (unsigned long long)stats.cache_hits, (unsigned long long)stats.cache_misses, (unsigned long long)stats.bytes_cache) : of_status(returned, &error);
}

static PyObject *call_vdb_latency_get(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_latency_get", args, 2);
    const vdb *db = take_handle(&t, "db");
    vdb_call_t call = (uint32_t)take_whole(&t, UINT32_MAX, "call");
    vdb_latency_t latency = {0};
    latency.struct_size = sizeof latency;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_latency_get(db, call, &latency, &error);
    Py_END_ALLOW_THREADS
    return returned == VDB_OK ? Py_BuildValue("(IKKKKKKK)", latency.call, (unsigned long long)latency.count, (unsigned long long)latency.mean_ns, (unsigned long long)latency.p50_ns, (unsigned long long)latency.p95_ns, (unsigned long long)latency.p99_ns, (unsigned long long)latency.max_ns, (unsigned long long)latency.sum_ns) : of_status(returned, &error);
}

static PyObject *call_vdb_log_read(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_log_read", args, 4);
    vdb *db = take_handle(&t, "db");
    char *buf = take_written(&t, NPY_UINT8);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, NPY_UINT64);
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_log_read(db, buf, cap, len, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_cache_clear(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_cache_clear", args, 1);
    vdb *db = take_handle(&t, "db");
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_cache_clear(db, &error);
    Py_END_ALLOW_THREADS
    return of_status(returned, &error);
}

static PyObject *call_vdb_task_new(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_task_new", args, 0);
    vdb_task *out_task = NULL;
    vdb_error_t error = VDB_ERROR_INIT;
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_task_new(&out_task, &error);
    Py_END_ALLOW_THREADS
    return returned < 0 ? of_status(returned, &error) : PyLong_FromVoidPtr(out_task);
}

static PyObject *call_vdb_task_free(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_task_free", args, 1);
    vdb_task *task = take_handle(&t, "task");
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_task_free(task);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_task_cancel(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_task_cancel", args, 1);
    vdb_task *task = take_handle(&t, "task");
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_task_cancel(task);
    Py_END_ALLOW_THREADS
    return of_status(returned, NULL);
}

static PyObject *call_vdb_task_progress(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_task_progress", args, 3);
    const vdb_task *task = take_handle(&t, "task");
    uint64_t *done = take_written(&t, NPY_UINT64);
    uint64_t *total = take_written(&t, NPY_UINT64);
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_task_progress(task, done, total);
    Py_END_ALLOW_THREADS
    return of_status(returned, NULL);
}

#define CALLS \
    {"vdb_version_string", call_vdb_version_string, METH_VARARGS, "vdb_version_string($module, /)\n--\n\nvdb_version_string of vdb.h."}, \
    {"vdb_version_number", call_vdb_version_number, METH_VARARGS, "vdb_version_number($module, /)\n--\n\nvdb_version_number of vdb.h."}, \
    {"vdb_abi_version", call_vdb_abi_version, METH_VARARGS, "vdb_abi_version($module, /)\n--\n\nvdb_abi_version of vdb.h."}, \
    {"vdb_status_name", call_vdb_status_name, METH_VARARGS, "vdb_status_name($module, status, /)\n--\n\nvdb_status_name of vdb.h."}, \
    {"vdb_build_info", call_vdb_build_info, METH_VARARGS, "vdb_build_info($module, buf, cap, len, /)\n--\n\nvdb_build_info of vdb.h."}, \
    {"vdb_options_new", call_vdb_options_new, METH_VARARGS, "vdb_options_new($module, /)\n--\n\nvdb_options_new of vdb.h."}, \
    {"vdb_options_free", call_vdb_options_free, METH_VARARGS, "vdb_options_free($module, options, /)\n--\n\nvdb_options_free of vdb.h."}, \
    {"vdb_options_set_u64", call_vdb_options_set_u64, METH_VARARGS, "vdb_options_set_u64($module, options, option, value, /)\n--\n\nvdb_options_set_u64 of vdb.h."}, \
    {"vdb_options_set_f64", call_vdb_options_set_f64, METH_VARARGS, "vdb_options_set_f64($module, options, option, value, /)\n--\n\nvdb_options_set_f64 of vdb.h."}, \
    {"vdb_options_set_text", call_vdb_options_set_text, METH_VARARGS, "vdb_options_set_text($module, options, name, value, /)\n--\n\nvdb_options_set_text of vdb.h."}, \
    {"vdb_option_at", call_vdb_option_at, METH_VARARGS, "vdb_option_at($module, index, /)\n--\n\nvdb_option_at of vdb.h."}, \
    {"vdb_open", call_vdb_open, METH_VARARGS, "vdb_open($module, path, options, /)\n--\n\nvdb_open of vdb.h."}, \
    {"vdb_close", call_vdb_close, METH_VARARGS, "vdb_close($module, db, /)\n--\n\nvdb_close of vdb.h."}, \
    {"vdb_option_get_u64", call_vdb_option_get_u64, METH_VARARGS, "vdb_option_get_u64($module, db, option, value, /)\n--\n\nvdb_option_get_u64 of vdb.h."}, \
    {"vdb_option_get_f64", call_vdb_option_get_f64, METH_VARARGS, "vdb_option_get_f64($module, db, option, value, /)\n--\n\nvdb_option_get_f64 of vdb.h."}, \
    {"vdb_option_get_text", call_vdb_option_get_text, METH_VARARGS, "vdb_option_get_text($module, db, option, text, cap, len, /)\n--\n\nvdb_option_get_text of vdb.h."}, \
    {"vdb_insert_batch", call_vdb_insert_batch, METH_VARARGS, "vdb_insert_batch($module, db, ids, vectors, count, dim, stride, scalar, task, /)\n--\n\nvdb_insert_batch of vdb.h."}, \
    {"vdb_upsert_batch", call_vdb_upsert_batch, METH_VARARGS, "vdb_upsert_batch($module, db, ids, vectors, count, dim, stride, scalar, task, /)\n--\n\nvdb_upsert_batch of vdb.h."}, \
    {"vdb_delete_batch", call_vdb_delete_batch, METH_VARARGS, "vdb_delete_batch($module, db, ids, count, deleted, /)\n--\n\nvdb_delete_batch of vdb.h."}, \
    {"vdb_get_batch", call_vdb_get_batch, METH_VARARGS, "vdb_get_batch($module, db, ids, count, dim, scalar, vectors, stride, found, /)\n--\n\nvdb_get_batch of vdb.h."}, \
    {"vdb_count", call_vdb_count, METH_VARARGS, "vdb_count($module, db, filter, count, /)\n--\n\nvdb_count of vdb.h."}, \
    {"vdb_filter_ids", call_vdb_filter_ids, METH_VARARGS, "vdb_filter_ids($module, ids, count, allow, /)\n--\n\nvdb_filter_ids of vdb.h."}, \
    {"vdb_filter_parse", call_vdb_filter_parse, METH_VARARGS, "vdb_filter_parse($module, text, len, /)\n--\n\nvdb_filter_parse of vdb.h."}, \
    {"vdb_filter_bind", call_vdb_filter_bind, METH_VARARGS, "vdb_filter_bind($module, filter, values, len, /)\n--\n\nvdb_filter_bind of vdb.h."}, \
    {"vdb_filter_free", call_vdb_filter_free, METH_VARARGS, "vdb_filter_free($module, filter, /)\n--\n\nvdb_filter_free of vdb.h."}, \
    {"vdb_insert_records", call_vdb_insert_records, METH_VARARGS, "vdb_insert_records($module, db, ids, keys, key_offsets, vectors, count, dim, stride, scalar, meta, meta_offsets, task, /)\n--\n\nvdb_insert_records of vdb.h."}, \
    {"vdb_upsert_records", call_vdb_upsert_records, METH_VARARGS, "vdb_upsert_records($module, db, ids, keys, key_offsets, vectors, count, dim, stride, scalar, meta, meta_offsets, task, /)\n--\n\nvdb_upsert_records of vdb.h."}, \
    {"vdb_update_meta_batch", call_vdb_update_meta_batch, METH_VARARGS, "vdb_update_meta_batch($module, db, ids, count, meta, meta_offsets, updated, /)\n--\n\nvdb_update_meta_batch of vdb.h."}, \
    {"vdb_update_meta_where", call_vdb_update_meta_where, METH_VARARGS, "vdb_update_meta_where($module, db, filter, meta, len, updated, task, /)\n--\n\nvdb_update_meta_where of vdb.h."}, \
    {"vdb_delete_where", call_vdb_delete_where, METH_VARARGS, "vdb_delete_where($module, db, filter, deleted, task, /)\n--\n\nvdb_delete_where of vdb.h."}, \
    {"vdb_delete_keys", call_vdb_delete_keys, METH_VARARGS, "vdb_delete_keys($module, db, keys, key_offsets, count, deleted, /)\n--\n\nvdb_delete_keys of vdb.h."}, \
    {"vdb_ids_of_keys", call_vdb_ids_of_keys, METH_VARARGS, "vdb_ids_of_keys($module, db, keys, key_offsets, count, ids, /)\n--\n\nvdb_ids_of_keys of vdb.h."}, \
    {"vdb_keys_of_ids", call_vdb_keys_of_ids, METH_VARARGS, "vdb_keys_of_ids($module, db, ids, count, keys, cap, key_offsets, len, /)\n--\n\nvdb_keys_of_ids of vdb.h."}, \
    {"vdb_get_meta", call_vdb_get_meta, METH_VARARGS, "vdb_get_meta($module, db, ids, count, meta, cap, meta_offsets, len, /)\n--\n\nvdb_get_meta of vdb.h."}, \
    {"vdb_snapshot_new", call_vdb_snapshot_new, METH_VARARGS, "vdb_snapshot_new($module, db, /)\n--\n\nvdb_snapshot_new of vdb.h."}, \
    {"vdb_snapshot_free", call_vdb_snapshot_free, METH_VARARGS, "vdb_snapshot_free($module, snapshot, /)\n--\n\nvdb_snapshot_free of vdb.h."}, \
    {"vdb_count_at", call_vdb_count_at, METH_VARARGS, "vdb_count_at($module, db, snapshot, filter, count, /)\n--\n\nvdb_count_at of vdb.h."}, \
    {"vdb_get_batch_at", call_vdb_get_batch_at, METH_VARARGS, "vdb_get_batch_at($module, db, snapshot, ids, count, dim, scalar, vectors, stride, found, /)\n--\n\nvdb_get_batch_at of vdb.h."}, \
    {"vdb_ids_of_keys_at", call_vdb_ids_of_keys_at, METH_VARARGS, "vdb_ids_of_keys_at($module, db, snapshot, keys, key_offsets, count, ids, /)\n--\n\nvdb_ids_of_keys_at of vdb.h."}, \
    {"vdb_keys_of_ids_at", call_vdb_keys_of_ids_at, METH_VARARGS, "vdb_keys_of_ids_at($module, db, snapshot, ids, count, keys, cap, key_offsets, len, /)\n--\n\nvdb_keys_of_ids_at of vdb.h."}, \
    {"vdb_get_meta_at", call_vdb_get_meta_at, METH_VARARGS, "vdb_get_meta_at($module, db, snapshot, ids, count, meta, cap, meta_offsets, len, /)\n--\n\nvdb_get_meta_at of vdb.h."}, \
    {"vdb_search", call_vdb_search, METH_VARARGS, "vdb_search($module, db, queries, query_count, dim, stride, k, params, ids, distances, counts, /)\n--\n\nvdb_search of vdb.h."}, \
    {"vdb_search_exact", call_vdb_search_exact, METH_VARARGS, "vdb_search_exact($module, db, queries, query_count, dim, stride, k, params, ids, distances, counts, /)\n--\n\nvdb_search_exact of vdb.h."}, \
    {"vdb_search_range", call_vdb_search_range, METH_VARARGS, "vdb_search_range($module, db, query, dim, max_distance, cap, params, ids, distances, count, /)\n--\n\nvdb_search_range of vdb.h."}, \
    {"vdb_measure_recall", call_vdb_measure_recall, METH_VARARGS, "vdb_measure_recall($module, db, queries, query_count, dim, stride, k, params, recall, low, high, task, /)\n--\n\nvdb_measure_recall of vdb.h."}, \
    {"vdb_search_ids", call_vdb_search_ids, METH_VARARGS, "vdb_search_ids($module, db, row_ids, count, k, params, ids, distances, counts, /)\n--\n\nvdb_search_ids of vdb.h."}, \
    {"vdb_recommend", call_vdb_recommend, METH_VARARGS, "vdb_recommend($module, db, positive, positive_count, negative, negative_count, k, params, ids, distances, count, /)\n--\n\nvdb_recommend of vdb.h."}, \
    {"vdb_search_diverse", call_vdb_search_diverse, METH_VARARGS, "vdb_search_diverse($module, db, query, dim, k, candidates, lambda_, params, ids, distances, count, /)\n--\n\nvdb_search_diverse of vdb.h."}, \
    {"vdb_search_groups", call_vdb_search_groups, METH_VARARGS, "vdb_search_groups($module, db, query, dim, path, path_len, groups, per_group, params, ids, distances, counts, group_count, /)\n--\n\nvdb_search_groups of vdb.h."}, \
    {"vdb_search_many", call_vdb_search_many, METH_VARARGS, "vdb_search_many($module, dbs, db_count, queries, query_count, dim, stride, k, params, ids, distances, sources, counts, /)\n--\n\nvdb_search_many of vdb.h."}, \
    {"vdb_cursor_search", call_vdb_cursor_search, METH_VARARGS, "vdb_cursor_search($module, db, query, dim, params, /)\n--\n\nvdb_cursor_search of vdb.h."}, \
    {"vdb_cursor_scan", call_vdb_cursor_scan, METH_VARARGS, "vdb_cursor_scan($module, db, filter, /)\n--\n\nvdb_cursor_scan of vdb.h."}, \
    {"vdb_cursor_scan_at", call_vdb_cursor_scan_at, METH_VARARGS, "vdb_cursor_scan_at($module, db, snapshot, filter, /)\n--\n\nvdb_cursor_scan_at of vdb.h."}, \
    {"vdb_cursor_next", call_vdb_cursor_next, METH_VARARGS, "vdb_cursor_next($module, cursor, cap, ids, distances, count, /)\n--\n\nvdb_cursor_next of vdb.h."}, \
    {"vdb_cursor_free", call_vdb_cursor_free, METH_VARARGS, "vdb_cursor_free($module, cursor, /)\n--\n\nvdb_cursor_free of vdb.h."}, \
    {"vdb_sync", call_vdb_sync, METH_VARARGS, "vdb_sync($module, db, /)\n--\n\nvdb_sync of vdb.h."}, \
    {"vdb_checkpoint", call_vdb_checkpoint, METH_VARARGS, "vdb_checkpoint($module, db, task, /)\n--\n\nvdb_checkpoint of vdb.h."}, \
    {"vdb_wait_indexed", call_vdb_wait_indexed, METH_VARARGS, "vdb_wait_indexed($module, db, task, /)\n--\n\nvdb_wait_indexed of vdb.h."}, \
    {"vdb_refresh", call_vdb_refresh, METH_VARARGS, "vdb_refresh($module, db, /)\n--\n\nvdb_refresh of vdb.h."}, \
    {"vdb_check", call_vdb_check, METH_VARARGS, "vdb_check($module, db, level, report, cap, len, task, /)\n--\n\nvdb_check of vdb.h."}, \
    {"vdb_repair", call_vdb_repair, METH_VARARGS, "vdb_repair($module, from_, to, options, report, cap, len, task, /)\n--\n\nvdb_repair of vdb.h."}, \
    {"vdb_backup", call_vdb_backup, METH_VARARGS, "vdb_backup($module, db, path, previous, task, /)\n--\n\nvdb_backup of vdb.h."}, \
    {"vdb_export", call_vdb_export, METH_VARARGS, "vdb_export($module, db, path, format, filter, task, /)\n--\n\nvdb_export of vdb.h."}, \
    {"vdb_import", call_vdb_import, METH_VARARGS, "vdb_import($module, db, path, format, task, /)\n--\n\nvdb_import of vdb.h."}, \
    {"vdb_explain", call_vdb_explain, METH_VARARGS, "vdb_explain($module, db, query, dim, k, params, json, cap, len, /)\n--\n\nvdb_explain of vdb.h."}, \
    {"vdb_columns_get", call_vdb_columns_get, METH_VARARGS, "vdb_columns_get($module, db, json, cap, len, /)\n--\n\nvdb_columns_get of vdb.h."}, \
    {"vdb_stats_get", call_vdb_stats_get, METH_VARARGS, "vdb_stats_get($module, db, /)\n--\n\nvdb_stats_get of vdb.h."}, \
    {"vdb_latency_get", call_vdb_latency_get, METH_VARARGS, "vdb_latency_get($module, db, call, /)\n--\n\nvdb_latency_get of vdb.h."}, \
    {"vdb_log_read", call_vdb_log_read, METH_VARARGS, "vdb_log_read($module, db, buf, cap, len, /)\n--\n\nvdb_log_read of vdb.h."}, \
    {"vdb_cache_clear", call_vdb_cache_clear, METH_VARARGS, "vdb_cache_clear($module, db, /)\n--\n\nvdb_cache_clear of vdb.h."}, \
    {"vdb_task_new", call_vdb_task_new, METH_VARARGS, "vdb_task_new($module, /)\n--\n\nvdb_task_new of vdb.h."}, \
    {"vdb_task_free", call_vdb_task_free, METH_VARARGS, "vdb_task_free($module, task, /)\n--\n\nvdb_task_free of vdb.h."}, \
    {"vdb_task_cancel", call_vdb_task_cancel, METH_VARARGS, "vdb_task_cancel($module, task, /)\n--\n\nvdb_task_cancel of vdb.h."}, \
    {"vdb_task_progress", call_vdb_task_progress, METH_VARARGS, "vdb_task_progress($module, task, done, total, /)\n--\n\nvdb_task_progress of vdb.h."}, \

