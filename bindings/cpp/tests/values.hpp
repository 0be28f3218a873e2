/* Values of the test vectors as those of vdb.hpp, and back. */

#ifndef VDB_TEST_VALUES_HPP
#define VDB_TEST_VALUES_HPP

#include <vdb.hpp>

#include "json.hpp"

using namespace vdbpp;
using Kind = Json::Kind;

inline Json number(double value) {
    Json made;
    made.kind = Kind::Number;
    made.number = value;
    return made;
}

inline Json boolean(bool value) {
    Json made = number(value);
    made.kind = Kind::Bool;
    return made;
}

inline Json text(std::string value) {
    Json made;
    made.kind = Kind::Text;
    made.text = std::move(value);
    return made;
}

template <class C, class F> Json list(const C &values, F make) {
    Json made;
    made.kind = Kind::List;
    for (const auto &value : values) made.list.push_back(make(value));
    return made;
}

inline Json ids_json(Span<const std::uint64_t> ids) {
    return list(ids, [](std::uint64_t id) { return text(std::to_string(id)); });
}

inline Json floats_json(Span<const float> values) {
    return list(values, [](float value) { return number(value); });
}

/// Vectors of a step as bytes, and a view of them.
struct Vectors {
    std::string bytes;
    std::size_t count = 0, dim = 0;
    Scalar scalar = Scalar::F32;

    Rows rows() const { return Rows::raw(bytes.data(), count, dim, scalar); }
};

inline const std::map<std::string, std::pair<Scalar, std::size_t>> SCALARS = {
    {"f32", {Scalar::F32, 32}}, {"f16", {Scalar::F16, 16}}, {"bf16", {Scalar::Bf16, 16}},
    {"i8", {Scalar::I8, 8}},    {"u8", {Scalar::U8, 8}},    {"b1", {Scalar::B1, 1}}};

template <class T> void append(std::string &bytes, T value) {
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}

inline void append_vector(Vectors &to, const Json &row, std::size_t bits, std::size_t db_dim) {
    const std::size_t before = to.bytes.size();
    if (row.is(Kind::Text)) {
        for (std::size_t i = 0; i < row.text.size(); i += 2)
            to.bytes += static_cast<char>(std::stoi(row.text.substr(i, 2), nullptr, 16));
        const std::size_t size = to.bytes.size() - before;
        to.dim = bits > 1 ? size * 8 / bits : (db_dim + 7) / 8 == size ? db_dim : size * 8;
        return;
    }
    for (const Json &component : row.list) {
        if (to.scalar == Scalar::F32) append(to.bytes, static_cast<float>(component.number));
        else if (to.scalar == Scalar::I8) append(to.bytes, static_cast<std::int8_t>(component.number));
        else append(to.bytes, static_cast<std::uint8_t>(component.number));
    }
    to.dim = row.list.size();
}

inline Vectors vectors(const Json &rows, const Json *scalar, std::size_t db_dim) {
    Vectors made;
    const auto &[of, bits] = SCALARS.at(scalar ? scalar->text : "f32");
    made.scalar = of;
    made.dim = db_dim;
    made.count = rows.list.size();
    for (const Json &row : rows.list) append_vector(made, row, bits, db_dim);
    return made;
}

inline std::vector<std::uint64_t> ids_of(const Json &ids) {
    std::vector<std::uint64_t> made;
    for (const Json &id : ids.list) made.push_back(id.is(Kind::Null) ? VDB_ID_NONE : std::stoull(id.text));
    return made;
}

#endif
