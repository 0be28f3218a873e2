// measure.c in C++, through vdb.hpp.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <vdb.hpp>

#include "../../examples/npy.h"

using namespace vdbpp;

namespace {

constexpr std::size_t small_dim = 4, small_rows = 10, small_searches = 20000;
constexpr std::size_t sample_dim = 384, queries_count = 100, sample_searches = 2000, k = 10;
constexpr std::size_t insert_dim = 60, insert_rows = 100000, no_graph = 2000000;

template <class T> void done(const Result<T> &result) {
    if (!result) std::fprintf(stderr, "measure: %s\n", result.error().message()), std::exit(1);
}
template <class T> T must(Result<T> result) {
    done(result);
    return std::move(*result);
}

Database memory(std::size_t dim, std::size_t graph_min_rows) {
    return must(Database::in_memory(Options().dim(dim).set("index.graph_min_rows", std::to_string(graph_min_rows))));
}

/// Nanoseconds of each of `count` calls.
template <class F> double timed(std::size_t count, F call) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; i++) call(i);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    return took.count() / static_cast<double>(count);
}

double insert(const std::vector<std::uint64_t> &ids, const std::vector<float> &rows, std::size_t batch) {
    Database db = memory(insert_dim, no_graph);
    const double each = timed(insert_rows / batch, [&](std::size_t i) {
        done(db.insert(Span<const std::uint64_t>(ids.data() + i * batch, batch),
                       Rows::raw(rows.data() + i * batch * insert_dim, batch, insert_dim, Scalar::F32)));
    });
    done(db.close());
    return each / static_cast<double>(batch);
}

} // namespace

int main(int argc, char **argv) {
    std::vector<float> rows(insert_rows * insert_dim);
    for (std::size_t i = 0; i < rows.size(); i++) rows[i] = static_cast<float>(i * 37 % 100) / 100;
    std::vector<std::uint64_t> ids(insert_rows);
    std::iota(ids.begin(), ids.end(), 0);
    npy_array sample;
    if (!npy_load((std::string(argv[argc - 1]) + "/base.npy").c_str(), &sample)) return 1;
    Database small = memory(small_dim, 2000), large = memory(sample_dim, 2000);
    done(small.insert({ids.data(), small_rows}, Rows::raw(rows.data(), small_rows, small_dim, Scalar::F32)));
    done(large.insert({ids.data(), sample.rows}, Rows::raw(sample.data, sample.rows, sample_dim, Scalar::F16)));
    done(large.wait_indexed());
    const std::vector<float> queries = must(large.get({ids.data(), queries_count})).values;
    const std::vector<float> query = {0.5f, 0.25f, 0.125f, 0.0625f};
    std::vector<std::uint64_t> found(k);
    std::vector<float> distances(k);

    std::cout << "C++, into the caller's memory\tC++, fresh results" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        double ns = 0;
        if (line == "small 0")
            ns = timed(small_searches, [&](std::size_t) { done(small.search_into(query, k, found, distances)); });
        else if (line == "small 1")
            ns = timed(small_searches, [&](std::size_t) { done(small.search(query, k)); });
        else if (line == "sample")
            ns = timed(sample_searches, [&](std::size_t i) {
                done(large.search_into(Rows::raw(queries.data() + i % queries_count * sample_dim, 1, sample_dim, Scalar::F32), k, found, distances));
            });
        else ns = insert(ids, rows, std::stoul(line.substr(7)));
        std::printf("%.1f\n", ns);
        std::fflush(stdout);
    }
    npy_free(&sample);
}
