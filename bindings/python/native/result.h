/* vdb.SearchResult: the class of what searches return, and results with room for k rows. Arrays only: nothing here knows the library.
 * Part of lib.c, the only file that is compiled: numpy's table of functions belongs to one. */

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
    if (result->ids || result->counts) {
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

