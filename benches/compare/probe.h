/* probe.h: clocks, memory and disk figures for the benchmark programs (Linux). */
#ifndef PROBE_H
#define PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static inline double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* CPU time of the whole process: a library that works on helper threads pays for them. */
static inline double cpu_s(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

static inline double wall_s(void) { return seconds(CLOCK_MONOTONIC); }

/* A figure of /proc/self/status in bytes, e.g. "RssAnon"; 0 where there is none. */
static inline uint64_t memory_bytes(const char *field) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kib = 0;
    size_t length = strlen(field);
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, field, length) == 0 && line[length] == ':') kib = strtoull(line + length + 1, NULL, 10);
    if (status) fclose(status);
    return kib * 1024;
}

/* Bytes on disk of the files directly in a directory and one level below. */
static inline uint64_t disk_bytes(const char *path, int levels) {
    DIR *directory = opendir(path);
    uint64_t total = 0;
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        char name[4096];
        struct stat file;
        if (entry->d_name[0] == '.') continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name) continue;
        if (stat(name, &file) != 0) continue;
        if (S_ISREG(file.st_mode)) total += (uint64_t)file.st_blocks * 512;
        if (S_ISDIR(file.st_mode) && levels > 0) total += disk_bytes(name, levels - 1);
    }
    if (directory) closedir(directory);
    return total;
}

#endif
