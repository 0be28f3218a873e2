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
    vdb_status_t status = take_int(&t);
    const char *returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_status_name(status);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("z", returned);
}

static PyObject *call_vdb_build_info(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_build_info", args, 3);
    char *buf = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
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
    vdb_options *options = take_handle(&t);
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_options_free(options);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_options_set_u64(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_options_set_u64", args, 3);
    vdb_options *options = take_handle(&t);
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
    vdb_options *options = take_handle(&t);
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    double value = take_float(&t);
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
    vdb_options *options = take_handle(&t);
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
    const vdb_options *options = take_handle(&t);
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
    vdb *db = take_handle(&t);
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
    const vdb *db = take_handle(&t);
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    uint64_t *value = take_written(&t, sizeof(uint64_t));
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
    const vdb *db = take_handle(&t);
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    double *value = take_written(&t, sizeof(double));
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
    const vdb *db = take_handle(&t);
    vdb_option_t option = (uint32_t)take_whole(&t, UINT32_MAX, "option");
    char *text = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
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
    vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    const void *vectors = take_read(&t, 0);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    const void *vectors = take_read(&t, 0);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *deleted = take_written(&t, sizeof(uint64_t));
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
    const vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    void *vectors = take_written(&t, 0);
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    uint8_t *found = take_written(&t, sizeof(uint8_t));
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
    const vdb *db = take_handle(&t);
    const vdb_filter *filter = take_handle(&t);
    uint64_t *count = take_written(&t, sizeof(uint64_t));
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
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    int allow = take_int(&t);
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
    const char *text = take_read(&t, sizeof(char));
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
    const vdb_filter *filter = take_handle(&t);
    const char *values = take_read(&t, sizeof(char));
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
    vdb_filter *filter = take_handle(&t);
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_filter_free(filter);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_insert_records(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_insert_records", args, 12);
    vdb *db = take_handle(&t);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    const char *keys = take_read(&t, sizeof(char));
    const uint64_t *key_offsets = take_read(&t, sizeof(uint64_t));
    const void *vectors = take_read(&t, 0);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    const char *meta = take_read(&t, sizeof(char));
    const uint64_t *meta_offsets = take_read(&t, sizeof(uint64_t));
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    const char *keys = take_read(&t, sizeof(char));
    const uint64_t *key_offsets = take_read(&t, sizeof(uint64_t));
    const void *vectors = take_read(&t, 0);
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    const char *meta = take_read(&t, sizeof(char));
    const uint64_t *meta_offsets = take_read(&t, sizeof(uint64_t));
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    const char *meta = take_read(&t, sizeof(char));
    const uint64_t *meta_offsets = take_read(&t, sizeof(uint64_t));
    uint64_t *updated = take_written(&t, sizeof(uint64_t));
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
    vdb *db = take_handle(&t);
    const vdb_filter *filter = take_handle(&t);
    const char *meta = take_read(&t, sizeof(char));
    size_t len = (size_t)take_whole(&t, SIZE_MAX, "len");
    uint64_t *updated = take_written(&t, sizeof(uint64_t));
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const vdb_filter *filter = take_handle(&t);
    uint64_t *deleted = take_written(&t, sizeof(uint64_t));
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const char *keys = take_read(&t, sizeof(char));
    const uint64_t *key_offsets = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *deleted = take_written(&t, sizeof(uint64_t));
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
    const vdb *db = take_handle(&t);
    const char *keys = take_read(&t, sizeof(char));
    const uint64_t *key_offsets = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
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
    const vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *keys = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *key_offsets = take_written(&t, sizeof(uint64_t));
    size_t *len = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *meta = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *meta_offsets = take_written(&t, sizeof(uint64_t));
    size_t *len = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
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
    vdb_snapshot *snapshot = take_handle(&t);
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_snapshot_free(snapshot);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_count_at(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_count_at", args, 4);
    const vdb *db = take_handle(&t);
    const vdb_snapshot *snapshot = take_handle(&t);
    const vdb_filter *filter = take_handle(&t);
    uint64_t *count = take_written(&t, sizeof(uint64_t));
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
    const vdb *db = take_handle(&t);
    const vdb_snapshot *snapshot = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    vdb_scalar_t scalar = (uint32_t)take_whole(&t, UINT32_MAX, "scalar");
    void *vectors = take_written(&t, 0);
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    uint8_t *found = take_written(&t, sizeof(uint8_t));
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
    const vdb *db = take_handle(&t);
    const vdb_snapshot *snapshot = take_handle(&t);
    const char *keys = take_read(&t, sizeof(char));
    const uint64_t *key_offsets = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
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
    const vdb *db = take_handle(&t);
    const vdb_snapshot *snapshot = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *keys = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *key_offsets = take_written(&t, sizeof(uint64_t));
    size_t *len = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
    const vdb_snapshot *snapshot = take_handle(&t);
    const uint64_t *ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    char *meta = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *meta_offsets = take_written(&t, sizeof(uint64_t));
    size_t *len = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
    const void *queries = take_read(&t, 0);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *counts = take_written(&t, sizeof(uint32_t));
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
    const vdb *db = take_handle(&t);
    const void *queries = take_read(&t, 0);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *counts = take_written(&t, sizeof(uint32_t));
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
    const vdb *db = take_handle(&t);
    const void *query = take_read(&t, 0);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    float max_distance = (float)take_float(&t);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    size_t *count = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
    const void *queries = take_read(&t, 0);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    double *recall = take_written(&t, sizeof(double));
    double *low = take_written(&t, sizeof(double));
    double *high = take_written(&t, sizeof(double));
    vdb_task *task = take_handle(&t);
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
    const vdb *db = take_handle(&t);
    const uint64_t *row_ids = take_read(&t, sizeof(uint64_t));
    size_t count = (size_t)take_whole(&t, SIZE_MAX, "count");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *counts = take_written(&t, sizeof(uint32_t));
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
    const vdb *db = take_handle(&t);
    const uint64_t *positive = take_read(&t, sizeof(uint64_t));
    size_t positive_count = (size_t)take_whole(&t, SIZE_MAX, "positive_count");
    const uint64_t *negative = take_read(&t, sizeof(uint64_t));
    size_t negative_count = (size_t)take_whole(&t, SIZE_MAX, "negative_count");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *count = take_written(&t, sizeof(uint32_t));
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
    const vdb *db = take_handle(&t);
    const void *query = take_read(&t, 0);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    size_t candidates = (size_t)take_whole(&t, SIZE_MAX, "candidates");
    float lambda = (float)take_float(&t);
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *count = take_written(&t, sizeof(uint32_t));
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
    const vdb *db = take_handle(&t);
    const void *query = take_read(&t, 0);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    const char *path = take_read(&t, sizeof(char));
    size_t path_len = (size_t)take_whole(&t, SIZE_MAX, "path_len");
    size_t groups = (size_t)take_whole(&t, SIZE_MAX, "groups");
    size_t per_group = (size_t)take_whole(&t, SIZE_MAX, "per_group");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *counts = take_written(&t, sizeof(uint32_t));
    uint32_t *group_count = take_written(&t, sizeof(uint32_t));
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
    const vdb *const *dbs = take_read(&t, sizeof(vdb *));
    size_t db_count = (size_t)take_whole(&t, SIZE_MAX, "db_count");
    const void *queries = take_read(&t, 0);
    size_t query_count = (size_t)take_whole(&t, SIZE_MAX, "query_count");
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t stride = (size_t)take_whole(&t, SIZE_MAX, "stride");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    uint32_t *sources = take_written(&t, sizeof(uint32_t));
    uint32_t *counts = take_written(&t, sizeof(uint32_t));
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
    const vdb *db = take_handle(&t);
    const void *query = take_read(&t, 0);
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
    const vdb *db = take_handle(&t);
    const vdb_filter *filter = take_handle(&t);
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
    const vdb *db = take_handle(&t);
    const vdb_snapshot *snapshot = take_handle(&t);
    const vdb_filter *filter = take_handle(&t);
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
    vdb_cursor *cursor = take_handle(&t);
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    uint64_t *ids = take_written(&t, sizeof(uint64_t));
    float *distances = take_written(&t, sizeof(float));
    size_t *count = take_written(&t, sizeof(size_t));
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
    vdb_cursor *cursor = take_handle(&t);
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_cursor_free(cursor);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_sync(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_sync", args, 1);
    vdb *db = take_handle(&t);
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
    vdb *db = take_handle(&t);
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
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
    const vdb *db = take_handle(&t);
    uint32_t level = (uint32_t)take_whole(&t, UINT32_MAX, "level");
    char *report = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
    vdb_task *task = take_handle(&t);
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
    const vdb_options *options = take_handle(&t);
    char *report = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const char *path = take_text(&t);
    const char *previous = take_text(&t);
    vdb_task *task = take_handle(&t);
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
    const vdb *db = take_handle(&t);
    const char *path = take_text(&t);
    const char *format = take_text(&t);
    const vdb_filter *filter = take_handle(&t);
    vdb_task *task = take_handle(&t);
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
    vdb *db = take_handle(&t);
    const char *path = take_text(&t);
    const char *format = take_text(&t);
    vdb_task *task = take_handle(&t);
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
    const vdb *db = take_handle(&t);
    const void *query = take_read(&t, 0);
    size_t dim = (size_t)take_whole(&t, SIZE_MAX, "dim");
    size_t k = (size_t)take_whole(&t, SIZE_MAX, "k");
    vdb_search_params_t of_params = VDB_SEARCH_PARAMS_INIT;
    const vdb_search_params_t *params = take_params(&t, &of_params);
    char *json = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
    char *json = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
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
    const vdb *db = take_handle(&t);
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
    const vdb *db = take_handle(&t);
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
    vdb *db = take_handle(&t);
    char *buf = take_written(&t, sizeof(char));
    size_t cap = (size_t)take_whole(&t, SIZE_MAX, "cap");
    size_t *len = take_written(&t, sizeof(size_t));
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
    vdb *db = take_handle(&t);
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
    vdb_task *task = take_handle(&t);
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    vdb_task_free(task);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *call_vdb_task_cancel(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_task_cancel", args, 1);
    vdb_task *task = take_handle(&t);
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_task_cancel(task);
    Py_END_ALLOW_THREADS
    return of_status(returned, NULL);
}

static PyObject *call_vdb_task_progress(PyObject *Py_UNUSED(module), PyObject *args) {
    struct taken t = take("vdb_task_progress", args, 3);
    const vdb_task *task = take_handle(&t);
    uint64_t *done = take_written(&t, sizeof(uint64_t));
    uint64_t *total = take_written(&t, sizeof(uint64_t));
    vdb_status_t returned;
    if (t.failed) return NULL;
    Py_BEGIN_ALLOW_THREADS
    returned = vdb_task_progress(task, done, total);
    Py_END_ALLOW_THREADS
    return of_status(returned, NULL);
}

#define CALLS \
    {"vdb_version_string", call_vdb_version_string, METH_VARARGS, NULL}, \
    {"vdb_version_number", call_vdb_version_number, METH_VARARGS, NULL}, \
    {"vdb_abi_version", call_vdb_abi_version, METH_VARARGS, NULL}, \
    {"vdb_status_name", call_vdb_status_name, METH_VARARGS, NULL}, \
    {"vdb_build_info", call_vdb_build_info, METH_VARARGS, NULL}, \
    {"vdb_options_new", call_vdb_options_new, METH_VARARGS, NULL}, \
    {"vdb_options_free", call_vdb_options_free, METH_VARARGS, NULL}, \
    {"vdb_options_set_u64", call_vdb_options_set_u64, METH_VARARGS, NULL}, \
    {"vdb_options_set_f64", call_vdb_options_set_f64, METH_VARARGS, NULL}, \
    {"vdb_options_set_text", call_vdb_options_set_text, METH_VARARGS, NULL}, \
    {"vdb_option_at", call_vdb_option_at, METH_VARARGS, NULL}, \
    {"vdb_open", call_vdb_open, METH_VARARGS, NULL}, \
    {"vdb_close", call_vdb_close, METH_VARARGS, NULL}, \
    {"vdb_option_get_u64", call_vdb_option_get_u64, METH_VARARGS, NULL}, \
    {"vdb_option_get_f64", call_vdb_option_get_f64, METH_VARARGS, NULL}, \
    {"vdb_option_get_text", call_vdb_option_get_text, METH_VARARGS, NULL}, \
    {"vdb_insert_batch", call_vdb_insert_batch, METH_VARARGS, NULL}, \
    {"vdb_upsert_batch", call_vdb_upsert_batch, METH_VARARGS, NULL}, \
    {"vdb_delete_batch", call_vdb_delete_batch, METH_VARARGS, NULL}, \
    {"vdb_get_batch", call_vdb_get_batch, METH_VARARGS, NULL}, \
    {"vdb_count", call_vdb_count, METH_VARARGS, NULL}, \
    {"vdb_filter_ids", call_vdb_filter_ids, METH_VARARGS, NULL}, \
    {"vdb_filter_parse", call_vdb_filter_parse, METH_VARARGS, NULL}, \
    {"vdb_filter_bind", call_vdb_filter_bind, METH_VARARGS, NULL}, \
    {"vdb_filter_free", call_vdb_filter_free, METH_VARARGS, NULL}, \
    {"vdb_insert_records", call_vdb_insert_records, METH_VARARGS, NULL}, \
    {"vdb_upsert_records", call_vdb_upsert_records, METH_VARARGS, NULL}, \
    {"vdb_update_meta_batch", call_vdb_update_meta_batch, METH_VARARGS, NULL}, \
    {"vdb_update_meta_where", call_vdb_update_meta_where, METH_VARARGS, NULL}, \
    {"vdb_delete_where", call_vdb_delete_where, METH_VARARGS, NULL}, \
    {"vdb_delete_keys", call_vdb_delete_keys, METH_VARARGS, NULL}, \
    {"vdb_ids_of_keys", call_vdb_ids_of_keys, METH_VARARGS, NULL}, \
    {"vdb_keys_of_ids", call_vdb_keys_of_ids, METH_VARARGS, NULL}, \
    {"vdb_get_meta", call_vdb_get_meta, METH_VARARGS, NULL}, \
    {"vdb_snapshot_new", call_vdb_snapshot_new, METH_VARARGS, NULL}, \
    {"vdb_snapshot_free", call_vdb_snapshot_free, METH_VARARGS, NULL}, \
    {"vdb_count_at", call_vdb_count_at, METH_VARARGS, NULL}, \
    {"vdb_get_batch_at", call_vdb_get_batch_at, METH_VARARGS, NULL}, \
    {"vdb_ids_of_keys_at", call_vdb_ids_of_keys_at, METH_VARARGS, NULL}, \
    {"vdb_keys_of_ids_at", call_vdb_keys_of_ids_at, METH_VARARGS, NULL}, \
    {"vdb_get_meta_at", call_vdb_get_meta_at, METH_VARARGS, NULL}, \
    {"vdb_search", call_vdb_search, METH_VARARGS, NULL}, \
    {"vdb_search_exact", call_vdb_search_exact, METH_VARARGS, NULL}, \
    {"vdb_search_range", call_vdb_search_range, METH_VARARGS, NULL}, \
    {"vdb_measure_recall", call_vdb_measure_recall, METH_VARARGS, NULL}, \
    {"vdb_search_ids", call_vdb_search_ids, METH_VARARGS, NULL}, \
    {"vdb_recommend", call_vdb_recommend, METH_VARARGS, NULL}, \
    {"vdb_search_diverse", call_vdb_search_diverse, METH_VARARGS, NULL}, \
    {"vdb_search_groups", call_vdb_search_groups, METH_VARARGS, NULL}, \
    {"vdb_search_many", call_vdb_search_many, METH_VARARGS, NULL}, \
    {"vdb_cursor_search", call_vdb_cursor_search, METH_VARARGS, NULL}, \
    {"vdb_cursor_scan", call_vdb_cursor_scan, METH_VARARGS, NULL}, \
    {"vdb_cursor_scan_at", call_vdb_cursor_scan_at, METH_VARARGS, NULL}, \
    {"vdb_cursor_next", call_vdb_cursor_next, METH_VARARGS, NULL}, \
    {"vdb_cursor_free", call_vdb_cursor_free, METH_VARARGS, NULL}, \
    {"vdb_sync", call_vdb_sync, METH_VARARGS, NULL}, \
    {"vdb_checkpoint", call_vdb_checkpoint, METH_VARARGS, NULL}, \
    {"vdb_wait_indexed", call_vdb_wait_indexed, METH_VARARGS, NULL}, \
    {"vdb_refresh", call_vdb_refresh, METH_VARARGS, NULL}, \
    {"vdb_check", call_vdb_check, METH_VARARGS, NULL}, \
    {"vdb_repair", call_vdb_repair, METH_VARARGS, NULL}, \
    {"vdb_backup", call_vdb_backup, METH_VARARGS, NULL}, \
    {"vdb_export", call_vdb_export, METH_VARARGS, NULL}, \
    {"vdb_import", call_vdb_import, METH_VARARGS, NULL}, \
    {"vdb_explain", call_vdb_explain, METH_VARARGS, NULL}, \
    {"vdb_columns_get", call_vdb_columns_get, METH_VARARGS, NULL}, \
    {"vdb_stats_get", call_vdb_stats_get, METH_VARARGS, NULL}, \
    {"vdb_latency_get", call_vdb_latency_get, METH_VARARGS, NULL}, \
    {"vdb_log_read", call_vdb_log_read, METH_VARARGS, NULL}, \
    {"vdb_cache_clear", call_vdb_cache_clear, METH_VARARGS, NULL}, \
    {"vdb_task_new", call_vdb_task_new, METH_VARARGS, NULL}, \
    {"vdb_task_free", call_vdb_task_free, METH_VARARGS, NULL}, \
    {"vdb_task_cancel", call_vdb_task_cancel, METH_VARARGS, NULL}, \
    {"vdb_task_progress", call_vdb_task_progress, METH_VARARGS, NULL}, \

