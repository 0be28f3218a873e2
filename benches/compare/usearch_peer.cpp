// usearch_peer.cpp: usearch 2.26.6 (header-only) behind peer.h, for filters, which its Python
// binding has not.
//
// Distances are its own loops, vectorised by the compiler: the kernels that the Python
// package loads are no part of the headers. Cosine is inner product over rows scaled to
// unit length; compare.py scales them.
#include "cpp_peer.hpp"

#include <usearch/index_dense.hpp>

namespace {

using namespace unum::usearch;

index_dense_t graph;
std::unique_ptr<Bitmap> filter;
size_t dim;
uint32_t threads = 1;

// Throws what a call has to say.
template <class Result>
Result checked(Result result) {
    if (result.error) throw std::runtime_error(result.error.release());
    return result;
}

int make(const peer_spec *spec) {
    if (std::string(spec->type) != "f4") {
        std::fprintf(stderr, "usearch takes f4 rows, not %s\n", spec->type);
        return 1;
    }
    dim = spec->dim;
    threads = spec->threads;
    auto kind = std::string(spec->metric) == "l2" ? metric_kind_t::l2sq_k : metric_kind_t::ip_k;
    index_dense_config_t config(spec->m);
    config.expansion_add = spec->ef_construction;
    graph = checked(index_dense_t::make(metric_punned_t(dim, kind, scalar_kind_t::f32_k), config)).index;
    return 0;
}

}  // namespace

extern "C" int peer_create(const peer_spec *spec, const char *) {
    return guarded([&] {
        if (make(spec) != 0) return 1;
        return graph.try_reserve(index_limits_t(spec->capacity, threads)) ? 0 : 1;
    });
}

extern "C" int peer_open(const peer_spec *spec, const char *path) {
    return guarded([&] {
        if (make(spec) != 0) return 1;
        checked(graph.load(path));
        return 0;
    });
}

extern "C" int peer_add(const uint64_t *ids, const void *rows, size_t count) {
    return guarded([&] {
        share_out(threads, count,
                  [&](size_t i) { checked(graph.add(ids[i], static_cast<const f32_t *>(rows) + i * dim)); });
        return 0;
    });
}

extern "C" int peer_remove(const uint64_t *ids, size_t count) {
    return guarded([&] {
        for (size_t i = 0; i < count; i++) checked(graph.remove(ids[i]));
        return 0;
    });
}

extern "C" int peer_settle(void) { return 0; }

extern "C" int peer_store(const char *path) {
    return guarded([&] {
        checked(graph.save(path));
        return 0;
    });
}

extern "C" int peer_filter(const uint64_t *ids, size_t count) {
    return guarded([&] {
        filter = ids ? std::make_unique<Bitmap>(ids, count) : nullptr;
        return 0;
    });
}

extern "C" int peer_configure(const struct peer_search *how) {
    graph.change_expansion_search(how->ef);
    return 0;
}

extern "C" int peer_shares(void) { return 0; }

extern "C" int peer_search(const void *queries, size_t count, size_t k, uint64_t *ids) {
    auto passes = [](uint64_t id) noexcept { return filter->has(id); };
    return guarded([&] {
        for (size_t q = 0; q < count; q++, ids += k) {
            auto query = static_cast<const f32_t *>(queries) + q * dim;
            auto found = checked(filter ? graph.filtered_search(query, k, passes) : graph.search(query, k));
            for (size_t i = found.dump_to(ids); i < k; i++) ids[i] = UINT64_MAX;
        }
        return 0;
    });
}

extern "C" int peer_close(void) {
    filter.reset();
    graph = index_dense_t();
    return 0;
}

extern "C" const char *peer_version(void) { return "usearch 2.26.6"; }
