/* What a caller in Python gives, as C takes it: numbers within their limits, handles, memory, texts, parameters of a search. And the way
 * back of what every function returns, its status. Part of lib.c.
 *
 * Memory is an array of numpy, or bytes where it is only read: its kind is looked at, its length is the caller's word, as in C. The tuple of
 * arguments keeps it alive while the library works on it without the lock of the interpreter. A handle is a number, which the library
 * itself knows to be open or not. None is NULL. */

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The function of Python that makes the exception of a status: failure(status, message, item, os_error). */
static PyObject *failure;

static void raise_failure(vdb_status_t status, const char *message, PyObject *item, int os_error) {
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    PyObject *made = text ? PyObject_CallFunction(failure, "iOOi", (int)status, text, item ? item : Py_None, os_error) : NULL;
    if (made) PyErr_SetObject((PyObject *)Py_TYPE(made), made);
    Py_XDECREF(made);
    Py_XDECREF(text);
}

/* Returns a status that is none of failure as a number, any other as an exception; `error` is NULL of functions that fill none. */
static PyObject *of_status(vdb_status_t status, const vdb_error_t *error) {
    PyObject *item = NULL;
    if (status >= 0) return PyLong_FromLong(status);
    if (error && error->item != VDB_ID_NONE && !(item = PyLong_FromUnsignedLongLong(error->item))) return NULL;
    raise_failure(status, error ? error->message : vdb_status_name(status), item, error ? error->os_error : 0);
    Py_XDECREF(item);
    return NULL;
}

/* Arguments that are taken one after the other. After the first that is wrong, `failed` is set and the others are not looked at. */
struct taken {
    const char *function;
    PyObject *args;
    Py_ssize_t next;
    int failed;
};

static struct taken take(const char *function, PyObject *args, Py_ssize_t count) {
    struct taken t = {function, args, 0, 0};
    if (PyTuple_Size(args) != count) {
        PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, not %zd", function, count, PyTuple_Size(args));
        t.failed = 1;
    }
    return t;
}

/* The next argument; NULL where there is nothing to look at: none, or None where that is NULL. */
static PyObject *take_next(struct taken *t, int none_is_null) {
    if (t->failed) return NULL;
    PyObject *value = PyTuple_GetItem(t->args, t->next++);
    return none_is_null && value == Py_None ? NULL : value;
}

static void refuse(struct taken *t, PyObject *value, const char *wanted) {
    t->failed = 1;
    PyErr_Format(PyExc_TypeError, "%s, argument %zd: %s is wanted, not %R", t->function, t->next, wanted, value);
}

/* Names what a number is for that is none, or does not fit. */
static void refuse_number(PyObject *value, const char *name) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%s: %R is no number of its kind", name, value);
        return;
    }
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return;
    PyErr_Clear();
    PyObject *text = PyUnicode_FromFormat("%s = %S does not fit: it is negative or too large", name, value);
    PyObject *bytes = text ? PyUnicode_AsUTF8String(text) : NULL;
    if (bytes) raise_failure(VDB_ERR_OUT_OF_RANGE, PyBytes_AsString(bytes), NULL, 0);
    Py_XDECREF(bytes);
    Py_XDECREF(text);
}

/* Each of these reads a number and gives 0 with an exception where it is none or does not fit. `name` is of what it is for. */

/* PyLong_AsLong alone would cut off what comes after the point, up to Python 3.9. */
static int32_t whole_int(PyObject *value, const char *name) {
    PyObject *number = PyNumber_Index(value);
    long taken = number ? PyLong_AsLong(number) : 0;
    Py_XDECREF(number);
    if (taken != (int32_t)taken) PyErr_SetNone(PyExc_OverflowError);
    if (!PyErr_Occurred()) return (int32_t)taken;
    refuse_number(value, name);
    return 0;
}

static uint64_t whole(PyObject *value, uint64_t most, const char *name) {
    PyObject *number = PyNumber_Index(value);
    unsigned long long taken = number ? PyLong_AsUnsignedLongLong(number) : 0;
    Py_XDECREF(number);
    if (taken > most && !PyErr_Occurred()) PyErr_SetNone(PyExc_OverflowError);
    if (!PyErr_Occurred()) return taken;
    refuse_number(value, name);
    return 0;
}

static double real(PyObject *value, const char *name) {
    double taken = PyFloat_AsDouble(value);
    if (!PyErr_Occurred()) return taken;
    refuse_number(value, name);
    return 0;
}

static void *handle(PyObject *value, const char *name) {
    PyObject *number = PyNumber_Index(value);
    void *taken = number ? PyLong_AsVoidPtr(number) : NULL;
    Py_XDECREF(number);
    if (!PyErr_Occurred()) return taken;
    refuse_number(value, name);
    return NULL;
}

static int32_t take_int(struct taken *t, const char *name) {
    PyObject *value = take_next(t, 0);
    int32_t number = value ? whole_int(value, name) : 0;
    t->failed = t->failed || PyErr_Occurred();
    return number;
}

static uint64_t take_whole(struct taken *t, uint64_t most, const char *name) {
    PyObject *value = take_next(t, 0);
    uint64_t number = value ? whole(value, most, name) : 0;
    t->failed = t->failed || PyErr_Occurred();
    return number;
}

static double take_float(struct taken *t, const char *name) {
    PyObject *value = take_next(t, 0);
    double number = value ? real(value, name) : 0;
    t->failed = t->failed || PyErr_Occurred();
    return number;
}

static void *take_handle(struct taken *t, const char *name) {
    PyObject *value = take_next(t, 1);
    void *number = value ? handle(value, name) : NULL;
    t->failed = t->failed || PyErr_Occurred();
    return number;
}

/* Whether an array has components of a type: the same in numpy, or one that differs in name alone. Objects are never what is wanted. */
static int holds(PyArrayObject *array, int type) {
    const int has = PyArray_TYPE(array);
    if (type == NPY_VOID) return !PyDataType_REFCHK(PyArray_DESCR(array));
    return has == type || (type == NPY_UINT64 && has == NPY_ULONGLONG) || (type == NPY_UINT8 && has == NPY_BOOL);
}

/* Memory that is read: a packed array of a type, or bytes for texts; NPY_VOID for rows of vectors, which are of any and may lie apart, but
 * not in the byte order of another machine. */
static const void *take_read(struct taken *t, int type) {
    PyObject *value = take_next(t, 1);
    if (!value) return NULL;
    if ((type == NPY_VOID || type == NPY_UINT8) && PyBytes_Check(value)) return PyBytes_AsString(value);
    PyArrayObject *array = (PyArrayObject *)value;
    if (PyArray_Check(value) && holds(array, type) && (type == NPY_VOID ? PyArray_ISNOTSWAPPED(array) : PyArray_ISCARRAY_RO(array)))
        return PyArray_DATA(array);
    refuse(t, value, type == NPY_VOID ? "an array in this machine's byte order" : "a packed array of the right type");
    return NULL;
}

/* Memory that is written: a packed array of a type, NPY_VOID for any. */
static void *take_written(struct taken *t, int type) {
    PyObject *value = take_next(t, 1);
    if (!value) return NULL;
    PyArrayObject *array = (PyArrayObject *)value;
    if (PyArray_Check(value) && holds(array, type) && PyArray_ISCARRAY(array)) return PyArray_DATA(array);
    refuse(t, value, "a packed and writable array of the right type");
    return NULL;
}

/* A text that ends with a zero: bytes with no other. */
static const char *take_text(struct taken *t) {
    PyObject *value = take_next(t, 1);
    char *text = NULL;
    if (value && PyBytes_AsStringAndSize(value, &text, NULL) < 0) t->failed = 1;
    return text;
}

/* One parameter of a search; PARAMETERS, in tables.h, has all of them. */
static void set_parameter(vdb_search_params_t *params, const struct parameter *of, PyObject *value, int objects) {
    char *place = (char *)params + of->at;
    PyObject *number;
    switch (of->kind) {
    case SCALAR:
    case U32: *(uint32_t *)place = (uint32_t)whole(value, UINT32_MAX, of->name); return;
    case U64: *(uint64_t *)place = whole(value, UINT64_MAX, of->name); return;
    case F32: *(float *)place = (float)real(value, of->name); return;
    case FLAG: if (PyObject_IsTrue(value) == 1) params->flags |= (uint32_t)of->at; return;
    case HANDLE: break;
    }
    number = objects ? PyObject_GetAttrString(value, "_number") : (Py_INCREF(value), value);
    if (number) *(void **)place = handle(number, of->name);
    Py_XDECREF(number);
}

/* Parameters by name, without those that are None; 0 with an exception where one is not known or not of its kind. Handles are numbers,
 * or objects of handles.py. */
static int set_parameters(vdb_search_params_t *params, PyObject *given, int objects) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(given, &at, &name, &value)) {
        size_t which = PyUnicode_Check(name) ? 0 : COUNT(PARAMETERS);
        while (which < COUNT(PARAMETERS) && PyUnicode_CompareWithASCIIString(name, PARAMETERS[which].name)) which++;
        /* With objects it is a keyword of db.search, whose `scalar` says that. */
        if (objects && which < COUNT(PARAMETERS) && PARAMETERS[which].kind == SCALAR) which = COUNT(PARAMETERS);
        /* A number is asked for its value by code of Python, which may change the dict. */
        Py_INCREF(name), Py_INCREF(value);
        if (which == COUNT(PARAMETERS)) PyErr_Format(PyExc_TypeError, "%R is no parameter of a search", name);
        else if (value != Py_None) set_parameter(params, &PARAMETERS[which], value, objects);
        Py_DECREF(name), Py_DECREF(value);
        if (PyErr_Occurred()) return 0;
    }
    return 1;
}

/* None, or a dict. Fills `place` and returns it. */
static const vdb_search_params_t *take_params(struct taken *t, vdb_search_params_t *place) {
    PyObject *value = take_next(t, 1);
    if (!value) return NULL;
    if (!PyDict_Check(value)) refuse(t, value, "a dict of parameters");
    else if (!set_parameters(place, value, 0)) t->failed = 1;
    return place;
}
