// hnswlib_peer.cpp: hnswlib 0.8.0 (header-only, the original HNSW) behind peer.h.
//
// Cosine is inner product over rows scaled to unit length, which is what its Python
// binding does; compare.py scales them. Errors come as exceptions.
#include "peer.h"

#include "hnswlib/hnswlib.h"

#include <memory>

namespace {

std::unique_ptr<hnswlib::SpaceInterface<float>> space;
std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;

bool make_space(const peer_spec *spec) {
    if (std::string(spec->type) != "f4") {
        std::fprintf(stderr, "hnswlib takes f4 rows, not %s\n", spec->type);
        return false;
    }
    if (std::string(spec->metric) == "l2") {
        space = std::make_unique<hnswlib::L2Space>(spec->dim);
    } else {
        space = std::make_unique<hnswlib::InnerProductSpace>(spec->dim);
    }
    return true;
}

template <class Body>
int guarded(Body body) {
    try {
        return body();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "hnswlib: %s\n", error.what());
        return 1;
    }
}

}  // namespace

extern "C" int peer_build(const peer_spec *spec, const npy_array *rows, const char *path) {
    return guarded([&] {
        if (!make_space(spec)) return 1;
        hnswlib::HierarchicalNSW<float> building(space.get(), spec->capacity, spec->m, spec->ef_construction);
        for (size_t i = 0; i < rows->rows; i++) building.addPoint(npy_row(rows, i), i);
        building.saveIndex(path);
        return 0;
    });
}

extern "C" int peer_open(const peer_spec *spec, const char *path) {
    return guarded([&] {
        if (!make_space(spec)) return 1;
        graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(space.get(), path);
        return 0;
    });
}

extern "C" int peer_configure(const struct peer_search *how) {
    graph->setEf(how->ef);
    return 0;
}

extern "C" int peer_search(const void *query, size_t k, uint64_t *ids) {
    return guarded([&] {
        auto found = graph->searchKnn(query, k);  // farthest first
        for (size_t i = k; i > 0; i--) {
            ids[i - 1] = found.size() < i ? UINT64_MAX : found.top().second;
            if (found.size() >= i) found.pop();
        }
        return 0;
    });
}

extern "C" int peer_close(void) {
    graph.reset();
    space.reset();
    return 0;
}

extern "C" const char *peer_version(void) { return "hnswlib 0.8.0"; }
