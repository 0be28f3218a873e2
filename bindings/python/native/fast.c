/* vdb._fast: the call that is made most, a search for one query at once, and the class of its result. Through cffi the same takes
 * ten times as long as the search of a small database; here it is a few allocations. Whatever is not this plain case, and every
 * error, is for the wrapper in Python: search() then returns None. It knows nothing else of the library. */

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_23_API_VERSION
#define NPY_TARGET_VERSION NPY_1_23_API_VERSION /* the oldest that pyproject.toml allows, whatever the headers are of */
#include <Python.h>
#include <numpy/arrayobject.h>
#include <structmember.h>
#include <vdb.h>

/* The garbage collector does not look into it: arrays of numbers refer to nothing. */
typedef struct {
    PyObject_HEAD
    PyObject *ids, *distances, *counts;
    uint32_t count; /* where counts is NULL: its only element, until somebody asks */
    char partial;
} SearchResult;

static PyObject *result_type;

static PyMemberDef result_members[] = {
    {"ids", T_OBJECT_EX, offsetof(SearchResult, ids), READONLY, NULL},
    {"distances", T_OBJECT_EX, offsetof(SearchResult, distances), READONLY, NULL},
    {"partial", T_BOOL, offsetof(SearchResult, partial), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyObject *result_counts(PyObject *self, void *none) {
    SearchResult *result = (SearchResult *)self;
    npy_intp one = 1;
    (void)none;
    if (!result->counts && (result->counts = PyArray_EMPTY(1, &one, NPY_UINT32, 0)))
        *(uint32_t *)PyArray_DATA((PyArrayObject *)result->counts) = result->count;
    Py_XINCREF(result->counts);
    return result->counts;
}

static PyGetSetDef result_getters[] = {
    {"counts", result_counts, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static int result_init(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"ids", "distances", "counts", "partial", NULL};
    SearchResult *result = (SearchResult *)self;
    PyObject *ids, *distances, *counts;
    int partial;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOp", names, &ids, &distances, &counts, &partial)) return -1;
    if (result->ids) {
        PyErr_SetString(PyExc_TypeError, "a SearchResult is made once");
        return -1;
    }
    Py_INCREF(ids), Py_INCREF(distances), Py_INCREF(counts);
    result->ids = ids, result->distances = distances, result->counts = counts, result->partial = (char)partial;
    return 0;
}

static void result_dealloc(PyObject *self) {
    SearchResult *result = (SearchResult *)self;
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(result->ids), Py_XDECREF(result->distances), Py_XDECREF(result->counts);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* `ids, distances = result` */
static PyObject *result_iter(PyObject *self) {
    SearchResult *result = (SearchResult *)self;
    PyObject *pair = PyTuple_Pack(2, result->ids ? result->ids : Py_None, result->distances ? result->distances : Py_None);
    PyObject *iterator = pair ? PyObject_GetIter(pair) : NULL;
    Py_XDECREF(pair);
    return iterator;
}

static PyObject *result_repr(PyObject *self) {
    SearchResult *result = (SearchResult *)self;
    return PyUnicode_FromFormat("SearchResult(ids=%R, distances=%R%s)", result->ids ? result->ids : Py_None,
                                result->distances ? result->distances : Py_None, result->partial ? ", partial=True" : "");
}

/* For pickle and copy. */
static PyObject *result_reduce(PyObject *self, PyObject *none) {
    SearchResult *result = (SearchResult *)self;
    (void)none;
    if (!result->ids) return PyErr_Format(PyExc_TypeError, "a SearchResult without arrays cannot be pickled");
    return Py_BuildValue("O(OONO)", (PyObject *)Py_TYPE(self), result->ids, result->distances, result_counts(self, NULL),
                         result->partial ? Py_True : Py_False);
}

static PyMethodDef result_methods[] = {
    {"__reduce__", result_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(result_doc,
             "The nearest rows: `ids, distances = db.search(...)`.\n\n"
             "For one query (a vector of one dimension) `ids` and `distances` have a place for each row found.\n"
             "For several they have a row of k places for each, of which the first `counts[i]` are used; the\n"
             "others are vdb.ID_NONE and +inf. `partial` is True when a deadline or a task ended the search.");

static PyType_Slot result_slots[] = {
    {Py_tp_doc, (void *)result_doc},         {Py_tp_new, PyType_GenericNew}, {Py_tp_init, result_init},
    {Py_tp_dealloc, result_dealloc},         {Py_tp_iter, result_iter},      {Py_tp_repr, result_repr},
    {Py_tp_members, result_members},         {Py_tp_getset, result_getters},  {Py_tp_methods, result_methods},
    {0, NULL},
};
static PyType_Spec result_spec = {
    "vdb.SearchResult", sizeof(SearchResult), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, result_slots};

/* A result with room for k rows, or NULL with an exception. */
static SearchResult *result_with_room(npy_intp k) {
    SearchResult *result = (SearchResult *)PyType_GenericAlloc((PyTypeObject *)result_type, 0);
    if (!result) return NULL;
    result->ids = PyArray_EMPTY(1, &k, NPY_UINT64, 0);
    result->distances = PyArray_EMPTY(1, &k, NPY_FLOAT32, 0);
    if (result->ids && result->distances) return result;
    Py_DECREF(result);
    return NULL;
}

/* Keeps the first `found` places of an array: in one of their own, for a view would hold the memory of all k. */
static int shorten(PyObject **array, npy_intp found) {
    PyArrayObject *all = (PyArrayObject *)*array;
    PyObject *part = PyArray_EMPTY(1, &found, PyArray_TYPE(all), 0);
    if (!part) return 0;
    memcpy(PyArray_DATA((PyArrayObject *)part), PyArray_DATA(all), (size_t)PyArray_NBYTES((PyArrayObject *)part));
    *array = part;
    Py_DECREF(all);
    return 1;
}

/* Parameters that are known here; others are for the wrapper. */
enum kind { U32, U64, F32, HANDLE, FLAG };
static const struct {
    const char *name;
    enum kind kind;
    size_t at; /* or the flag */
} parameters[] = {
    {"ef", U32, offsetof(vdb_search_params_t, ef)},
    {"filter", HANDLE, offsetof(vdb_search_params_t, filter)},
    {"target_recall", F32, offsetof(vdb_search_params_t, target_recall)},
    {"exact", FLAG, VDB_SEARCH_EXACT},
    {"snapshot", HANDLE, offsetof(vdb_search_params_t, snapshot)},
    {"deadline_us", U64, offsetof(vdb_search_params_t, deadline_us)},
    {"rerank", U32, offsetof(vdb_search_params_t, rerank)},
    {"max_memory", U64, offsetof(vdb_search_params_t, max_memory)},
    {"no_cache", FLAG, VDB_SEARCH_NO_CACHE},
    {"task", HANDLE, offsetof(vdb_search_params_t, task)},
};

/* Sets one parameter; 0, perhaps with an exception, where the value is not of the kind. */
static int set_parameter(vdb_search_params_t *params, size_t which, PyObject *value) {
    char *place = (char *)params + parameters[which].at;
    PyObject *number;
    unsigned long long whole;
    switch (parameters[which].kind) {
    case F32: *(float *)place = (float)PyFloat_AsDouble(value); return !PyErr_Occurred();
    case FLAG: if (PyObject_IsTrue(value)) params->flags |= (uint32_t)parameters[which].at; return !PyErr_Occurred();
    case HANDLE:
        if (!(number = PyObject_GetAttrString(value, "_number"))) return 0;
        *(void **)place = PyLong_AsVoidPtr(number);
        Py_DECREF(number);
        return !PyErr_Occurred();
    default: break;
    }
    whole = PyLong_AsUnsignedLongLong(value);
    if (PyErr_Occurred() || (parameters[which].kind == U32 && whole > UINT32_MAX)) return 0;
    if (parameters[which].kind == U32) *(uint32_t *)place = (uint32_t)whole;
    else *(uint64_t *)place = whole;
    return 1;
}

static int set_parameters(vdb_search_params_t *params, PyObject *given) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(given, &at, &name, &value)) {
        size_t which = 0;
        const size_t known = sizeof parameters / sizeof *parameters;
        while (which < known && PyUnicode_CompareWithASCIIString(name, parameters[which].name)) which++;
        if (which == known || (value != Py_None && !set_parameter(params, which, value))) return 0;
    }
    return 1;
}

/* search(db, query, k, parameters, stores_f32): the handle as a number. None where it is not the plain case, or not OK. */
static PyObject *search(PyObject *module, PyObject *args) {
    vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
    (void)module;
    if (PyTuple_Size(args) != 5) return PyErr_Format(PyExc_TypeError, "search takes 5 arguments");
    PyArrayObject *query = (PyArrayObject *)PyTuple_GetItem(args, 1);
    if (!PyArray_CheckExact(query) || PyArray_NDIM(query) != 1 || PyArray_TYPE(query) != NPY_FLOAT32 || !PyArray_ISCARRAY_RO(query))
        Py_RETURN_NONE;
    PyObject *given = PyTuple_GetItem(args, 3);
    const int plain = PyDict_Size(given) == 0 && PyTuple_GetItem(args, 4) == Py_True;
    vdb *db = PyLong_AsVoidPtr(PyTuple_GetItem(args, 0));
    const Py_ssize_t k = PyLong_AsSsize_t(PyTuple_GetItem(args, 2));
    if (PyErr_Occurred() || !set_parameters(&params, given) || k < 0 || k > VDB_MAX_K) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    params.query_scalar = VDB_SCALAR_F32;
    SearchResult *result = result_with_room(k);
    if (!result) return NULL;
    uint64_t *ids = PyArray_DATA((PyArrayObject *)result->ids);
    float *distances = PyArray_DATA((PyArrayObject *)result->distances);
    const void *components = PyArray_DATA(query);
    const size_t dim = (size_t)PyArray_DIM(query, 0);
    vdb_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = vdb_search(db, components, 1, dim, 0, (size_t)k, plain ? NULL : &params, ids, distances, &result->count, NULL);
    Py_END_ALLOW_THREADS
    if (status < 0) {
        Py_DECREF(result);
        Py_RETURN_NONE;
    }
    result->partial = status == VDB_PARTIAL;
    if ((Py_ssize_t)result->count < k && !(shorten(&result->ids, (npy_intp)result->count) && shorten(&result->distances, (npy_intp)result->count))) {
        Py_DECREF(result);
        return NULL;
    }
    return (PyObject *)result;
}

static PyMethodDef functions[] = {
    {"search", search, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "vdb._fast", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__fast(void) {
    import_array();
    PyObject *module = PyModule_Create(&definition);
    result_type = module ? PyType_FromSpec(&result_spec) : NULL;
    if (result_type && PyModule_AddObject(module, "SearchResult", (Py_INCREF(result_type), result_type)) == 0) return module;
    Py_XDECREF(result_type);
    Py_XDECREF(module);
    return NULL;
}
