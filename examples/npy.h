/* npy.h: reads one- and two-dimensional NumPy arrays (.npy, little-endian, C order).
 *
 * Header only, C99 and C++. The header of the file is checked against its length
 * before memory is taken, so a truncated or foreign file is an error, not a crash.
 * Format: numpy.lib.format, versions 1.0 to 3.0. */
#ifndef NPY_H
#define NPY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct npy_array {
    void *data;       /* rows * cols components, packed; release with npy_free */
    size_t rows;      /* first dimension */
    size_t cols;      /* second dimension, 1 if there is none */
    size_t row_bytes; /* bytes of one row */
    char type[4];     /* "f4", "f2", "u1", "i4", ... */
} npy_array;

/* Finds the value of 'key' in the header's Python dictionary. */
static inline const char *npy_field(const char *header, const char *key) {
    const char *at = strstr(header, key);
    return at && (at = strchr(at, ':')) ? at + 1 + strspn(at + 1, " ") : NULL;
}

/* Fills everything but `data` from the header text; 0 if it is not understood. */
static inline int npy_parse(const char *header, npy_array *out) {
    const char *descr = npy_field(header, "'descr'"), *order = npy_field(header, "'fortran_order'");
    const char *shape = npy_field(header, "'shape'");
    size_t item;
    char *end;
    if (!descr || !order || !shape || strncmp(order, "False", 5) != 0 || *shape != '(') return 0;
    if (strlen(descr) < 5 || *descr++ != '\'' || (*descr != '<' && *descr != '|')) return 0;
    out->type[0] = descr[1];
    out->type[1] = descr[2];
    out->type[2] = '\0';
    if (out->type[1] < '1' || out->type[1] > '8' || descr[3] != '\'') return 0;
    item = (size_t)(out->type[1] - '0');
    out->rows = (size_t)strtoull(shape + 1, &end, 10);
    if (end == shape + 1 || *end != ',') return 0;
    end += 1 + strspn(end + 1, " ");
    out->cols = *end == ')' ? 1 : (size_t)strtoull(end, &end, 10);
    if (*end != ')' || out->cols == 0 || out->cols > SIZE_MAX / item) return 0;
    out->row_bytes = out->cols * item;
    return out->rows <= SIZE_MAX / out->row_bytes;
}

/* Reads the file's header; leaves the stream at the first component. */
static inline int npy_read_header(FILE *file, npy_array *out) {
    unsigned char magic[12];
    char header[4096];
    size_t length;
    if (fread(magic, 1, 10, file) != 10 || memcmp(magic, "\x93NUMPY", 6) != 0) return 0;
    length = magic[8] | (size_t)magic[9] << 8;
    if (magic[6] >= 2) { /* versions 2 and 3 have a four-byte length */
        if (fread(magic + 10, 1, 2, file) != 2) return 0;
        length |= (size_t)magic[10] << 16 | (size_t)magic[11] << 24;
    }
    if (length >= sizeof header || fread(header, 1, length, file) != length) return 0;
    header[length] = '\0';
    return npy_parse(header, out);
}

/* Reads the array at `path`. Returns 1, or 0 after saying on stderr what is wrong. */
static inline int npy_load(const char *path, npy_array *out) {
    FILE *file = fopen(path, "rb");
    long start = 0, end = 0;
    int ok = 0;
    memset(out, 0, sizeof *out);
    if (!file) {
        perror(path);
        return 0;
    }
    if (npy_read_header(file, out) && (start = ftell(file)) >= 0 && fseek(file, 0, SEEK_END) == 0 &&
        (end = ftell(file)) >= start && out->rows * out->row_bytes == (size_t)(end - start) &&
        fseek(file, start, SEEK_SET) == 0) {
        size_t bytes = (size_t)(end - start);
        out->data = malloc(bytes ? bytes : 1);
        ok = out->data && fread(out->data, 1, bytes, file) == bytes;
    }
    fclose(file);
    if (!ok) {
        fprintf(stderr, "%s: not a whole .npy file of this machine's byte order\n", path);
        free(out->data);
        memset(out, 0, sizeof *out);
    }
    return ok;
}

/* Row `i` of the array. */
static inline const void *npy_row(const npy_array *array, size_t i) {
    return (const char *)array->data + i * array->row_bytes;
}

/* Releases the memory; harmless on an array that was never loaded. */
static inline void npy_free(npy_array *array) {
    free(array->data);
    memset(array, 0, sizeof *array);
}

#endif
