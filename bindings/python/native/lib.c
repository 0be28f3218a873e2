/* vdb._lib: the functions of the library as Python calls them (calls.h, made from vdb.h), and by hand the two calls that are made most, a
 * search for one query and an insert of packed rows. Through the wrappers in Python each of these takes longer than the library takes
 * for a small database; here it is a few allocations.
 *
 * Every function frees the lock of the interpreter while the library works. A status that is a failure becomes an exception. */

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_23_API_VERSION
#define NPY_TARGET_VERSION NPY_1_23_API_VERSION /* the oldest that pyproject.toml allows, whatever the headers are of */
#include <Python.h>
#include <numpy/arrayobject.h>
#include <structmember.h>
#include <vdb.h>

#include "tables.h"

#include "take.h"

#include "calls.h"
#include "result.h"

/* What is for the wrapper in Python to tell: it knows more of handles that are closed or the parent's. */
static int is_of_handle(vdb_status_t status) { return status == VDB_ERR_CLOSED || status == VDB_ERR_FORKED; }

static int is_packed(PyObject *value, int dimensions, int type) {
    PyArrayObject *array = (PyArrayObject *)value;
    return PyArray_CheckExact(value) && PyArray_NDIM(array) == dimensions && PyArray_TYPE(array) == type && PyArray_ISCARRAY_RO(array);
}

/* _search(db, query, k, parameters, stores_f32): the handle as a number. None where it is not the plain case. */
static PyObject *search(PyObject *Py_UNUSED(module), PyObject *args) {
    vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
    vdb_error_t error = VDB_ERROR_INIT;
    if (PyTuple_Size(args) != 5) return PyErr_Format(PyExc_TypeError, "search takes 5 arguments");
    PyArrayObject *query = (PyArrayObject *)PyTuple_GetItem(args, 1);
    PyObject *given = PyTuple_GetItem(args, 3);
    const int plain = PyDict_Size(given) == 0 && PyTuple_GetItem(args, 4) == Py_True;
    vdb *db = PyLong_AsVoidPtr(PyTuple_GetItem(args, 0));
    const Py_ssize_t k = PyLong_AsSsize_t(PyTuple_GetItem(args, 2));
    if (PyErr_Occurred() || !set_parameters(&params, given, 1) || k < 0 || k > VDB_MAX_K) {
        /* What is wrong is for the wrapper to say; Ctrl-C while a number was read is nothing wrong. */
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception)) return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    /* After all that may run code of Python. */
    if (!is_packed((PyObject *)query, 1, NPY_FLOAT32)) Py_RETURN_NONE;
    params.query_scalar = VDB_SCALAR_F32;
    SearchResult *result = result_with_room(k);
    if (!result) return NULL;
    uint64_t *ids = PyArray_DATA((PyArrayObject *)result->ids);
    float *distances = PyArray_DATA((PyArrayObject *)result->distances);
    const void *components = PyArray_DATA(query);
    const size_t dim = (size_t)PyArray_DIM(query, 0);
    vdb_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = vdb_search(db, components, 1, dim, 0, (size_t)k, plain ? NULL : &params, ids, distances, &result->count, &error);
    Py_END_ALLOW_THREADS
    result->partial = status == VDB_PARTIAL;
    if (status >= 0 && ((Py_ssize_t)result->count == k || (shorten(&result->ids, result->count) && shorten(&result->distances, result->count))))
        return (PyObject *)result;
    Py_DECREF(result);
    if (is_of_handle(status)) Py_RETURN_NONE;
    return status < 0 ? of_status(status, &error) : NULL;
}

/* _write(db, ids, vectors, replaces, most_bytes): whether rows were inserted, or upserted. False where it is not the plain case: packed
 * arrays of u64 and f32, and no more bytes than that. */
static PyObject *write_rows(PyObject *Py_UNUSED(module), PyObject *args) {
    vdb_error_t error = VDB_ERROR_INIT;
    if (PyTuple_Size(args) != 5) return PyErr_Format(PyExc_TypeError, "write takes 5 arguments");
    PyArrayObject *ids = (PyArrayObject *)PyTuple_GetItem(args, 1), *vectors = (PyArrayObject *)PyTuple_GetItem(args, 2);
    if (!is_packed((PyObject *)ids, 1, NPY_UINT64) || !is_packed((PyObject *)vectors, 2, NPY_FLOAT32)) Py_RETURN_FALSE;
    vdb *db = PyLong_AsVoidPtr(PyTuple_GetItem(args, 0));
    const int replaces = PyTuple_GetItem(args, 3) == Py_True;
    const Py_ssize_t most = PyLong_AsSsize_t(PyTuple_GetItem(args, 4));
    if (PyErr_Occurred()) return NULL;
    const npy_intp count = PyArray_DIM(vectors, 0), dim = PyArray_DIM(vectors, 1);
    if (PyArray_DIM(ids, 0) != count || PyArray_NBYTES(vectors) > most) Py_RETURN_FALSE;
    const uint64_t *row_ids = PyArray_DATA(ids);
    const void *rows = PyArray_DATA(vectors);
    vdb_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = replaces ? vdb_upsert_batch(db, row_ids, rows, (size_t)count, (size_t)dim, 0, VDB_SCALAR_F32, NULL, &error)
                      : vdb_insert_batch(db, row_ids, rows, (size_t)count, (size_t)dim, 0, VDB_SCALAR_F32, NULL, &error);
    Py_END_ALLOW_THREADS
    if (status >= 0) Py_RETURN_TRUE;
    if (is_of_handle(status)) Py_RETURN_FALSE;
    return of_status(status, &error);
}

/* _fail_with(function): the function that makes the exception of a status. */
static PyObject *fail_with(PyObject *Py_UNUSED(module), PyObject *function) {
    Py_INCREF(function);
    Py_XDECREF(failure);
    failure = function;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"_search", search, METH_VARARGS, NULL},
    {"_write", write_rows, METH_VARARGS, NULL},
    {"_fail_with", fail_with, METH_O, NULL},
    CALLS
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "vdb._lib", NULL, -1, functions, NULL, NULL, NULL, NULL};

static int add_constants(PyObject *module) {
    for (size_t i = 0; i < COUNT(CONSTANTS); i++) {
        const unsigned long long bits = CONSTANTS[i].bits;
        PyObject *value = CONSTANTS[i].negative ? PyLong_FromLongLong((long long)bits) : PyLong_FromUnsignedLongLong(bits);
        if (!value || PyModule_AddObject(module, CONSTANTS[i].name, value) < 0) return 0;
    }
    return 1;
}

PyMODINIT_FUNC PyInit__lib(void) {
    import_array();
    PyObject *module = PyModule_Create(&definition);
    result_type = module ? PyType_FromSpec(&result_spec) : NULL;
    if (result_type && add_constants(module) && PyModule_AddObject(module, "SearchResult", (Py_INCREF(result_type), result_type)) == 0)
        return module;
    Py_XDECREF(result_type);
    Py_XDECREF(module);
    return NULL;
}
