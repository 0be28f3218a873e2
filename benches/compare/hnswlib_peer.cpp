// hnswlib_peer.cpp: hnswlib 0.8.0 (header-only, the original HNSW) behind peer.h.
//
// Cosine is inner product over rows scaled to unit length, which is what its Python
// binding does; compare.py scales them. Errors come as exceptions.
#include "cpp_peer.hpp"

#include "hnswlib/hnswlib.h"

namespace {

using Graph = hnswlib::HierarchicalNSW<float>;

std::unique_ptr<hnswlib::SpaceInterface<float>> space;
std::unique_ptr<Graph> graph;
uint32_t threads = 1;

class Passes : public hnswlib::BaseFilterFunctor {
  public:
    explicit Passes(Bitmap rows) : rows(std::move(rows)) {}
    bool operator()(hnswlib::labeltype id) override { return rows.has(id); }

  private:
    Bitmap rows;
};

std::unique_ptr<Passes> filter;

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

}  // namespace

extern "C" int peer_create(const peer_spec *spec, const char *) {
    return guarded([&] {
        if (!make_space(spec)) return 1;
        const size_t seed = 100;  // its default
        graph = std::make_unique<Graph>(space.get(), spec->capacity, spec->m, spec->ef_construction, seed, true);
        threads = spec->threads;
        return 0;
    });
}

extern "C" int peer_open(const peer_spec *spec, const char *path) {
    return guarded([&] {
        if (!make_space(spec)) return 1;
        graph = std::make_unique<Graph>(space.get(), path);
        return 0;
    });
}

extern "C" int peer_add(const uint64_t *ids, const void *rows, size_t count) {
    return guarded([&] {
        share_out(threads, count, [&](size_t i) {
            graph->addPoint(static_cast<const char *>(rows) + i * space->get_data_size(), ids[i], true);
        });
        return 0;
    });
}

extern "C" int peer_remove(const uint64_t *ids, size_t count) {
    return guarded([&] {
        for (size_t i = 0; i < count; i++) graph->markDelete(ids[i]);
        return 0;
    });
}

extern "C" int peer_settle(void) { return 0; }

extern "C" int peer_store(const char *path) {
    return guarded([&] {
        graph->saveIndex(path);
        return 0;
    });
}

extern "C" int peer_filter(const uint64_t *ids, size_t count) {
    return guarded([&] {
        filter = ids ? std::make_unique<Passes>(Bitmap(ids, count)) : nullptr;
        return 0;
    });
}

extern "C" int peer_configure(const struct peer_search *how) {
    graph->setEf(how->ef);
    return 0;
}

extern "C" int peer_shares(void) { return 0; }

extern "C" int peer_search(const void *queries, size_t count, size_t k, uint64_t *ids) {
    return guarded([&] {
        for (size_t q = 0; q < count; q++, ids += k) {
            auto found = graph->searchKnn(static_cast<const char *>(queries) + q * space->get_data_size(), k,
                                          filter.get());
            for (size_t i = k; i > 0; i--) {  // farthest first
                ids[i - 1] = found.size() < i ? UINT64_MAX : found.top().second;
                if (found.size() >= i) found.pop();
            }
        }
        return 0;
    });
}

extern "C" int peer_close(void) {
    filter.reset();
    graph.reset();
    space.reset();
    return 0;
}

extern "C" const char *peer_version(void) { return "hnswlib 0.8.0"; }
