/* Replays the test vectors of bindings/testdata through vdb.hpp, as the README there says.
 *
 *   replay FILE.json ... SCRATCH
 *
 * SCRATCH is an empty folder. Prints a line for each case that fails, and the counts at the end. */

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <vdb.hpp>

#include "json.hpp"
#include "notes.hpp"
#include "values.hpp"

namespace {

/// What a step came to: a status, and results in the shape of `expect`.
struct Answer {
    std::string status = "OK";
    std::optional<Error> error;
    std::map<std::string, Json> results;

    template <class T> bool take(const Result<T> &result) {
        if (result.ok()) return true;
        error = result.error();
        status = error->name() + 4;
        return false;
    }
    void partial(bool is) {
        if (is) status = "PARTIAL";
    }
};

struct Wrong {
    std::string what;
};

const std::map<std::string, Call> CALLS = {
    {"search", Call::Search}, {"search_batch", Call::SearchBatch}, {"search_range", Call::SearchRange},
    {"insert", Call::Insert}, {"upsert", Call::Upsert},            {"delete", Call::Delete},
    {"get", Call::Get},       {"count", Call::Count},              {"sync", Call::Sync},
    {"checkpoint", Call::Checkpoint}, {"refresh", Call::Refresh}};

/// A text of a step that may be missing.
std::string text_of(const Json &step, const char *name) {
    const Json *value = step.find(name);
    return value ? value->text : std::string();
}

/// One case: its handles by name, and its folder.
class Case {
public:
    explicit Case(std::string folder) : folder_(std::move(folder)) { std::filesystem::create_directories(folder_); }

    /// A line for each step.
    std::vector<std::string> transcript;

    void step(const Json &step) {
        Answer answer = make(step["op"].text, step);
        const Json none, *expect = step.find("expect");
        if (!expect) expect = &none;
        const Json *status = expect->find("status");
        const std::string wanted = status ? status->text : "OK";
        transcript.push_back(line(step["op"].text, answer, *expect));
        if (answer.status != wanted)
            throw Wrong{answer.status + (answer.error ? std::string(" (") + answer.error->message() + ")" : "") +
                        ", expected " + wanted};
        if (answer.error) check_error(*answer.error, *expect);
        for (const auto &[key, value] : expect->object) {
            if (key == "status" || key == "item" || key == "message") continue;
            if (!answer.results.count(key)) throw Wrong{"no result " + key};
            if (key == "contains") {
                for (const Json &part : value.list)
                    if (answer.results[key].text.find(part.text) == std::string::npos)
                        throw Wrong{"the log has no " + part.text + ":\n" + answer.results[key].text};
                continue;
            }
            compare(key, answer.results[key], value);
        }
    }

private:
    static std::string line(const std::string &op, const Answer &answer, const Json &expect) {
        std::string made = op + ' ' + answer.status;
        if (answer.error && answer.error->item()) made += " item=" + std::to_string(*answer.error->item());
        if (answer.error) return made;
        for (const auto &[name, wanted] : expect.object)
            if (name != "contains" && answer.results.count(name))
                made += ' ' + name + '=' + noted(answer.results.at(name), &wanted, name == "distances" || name == "rows");
        return made;
    }

    static void check_error(const Error &error, const Json &expect) {
        const Json *item = expect.find("item"), *message = expect.find("message");
        const std::string got = error.item() ? std::to_string(*error.item()) : "none";
        if (got != (item ? item->text : "none")) throw Wrong{"item " + got};
        if (message && std::string(error.message()).find(message->text) == std::string::npos)
            throw Wrong{std::string(error.message()) + " does not contain " + message->text};
    }

    /// `wanted` may have fewer fields than an object, and distances a tolerance.
    static void compare(const std::string &key, const Json &got, const Json &wanted) {
        if (wanted.is(Kind::Object)) {
            for (const auto &[name, value] : wanted.object) compare(key + "." + name, got[name], value);
            return;
        }
        if (got.kind != wanted.kind || got.list.size() != wanted.list.size() || got.text != wanted.text) {
            const bool both_numbers = got.is(Kind::Number) && wanted.is(Kind::Number);
            if (!both_numbers) throw Wrong{key + " has another shape, or is " + got.text + " and not " + wanted.text};
        }
        const double allowed = key.find("distances") == 0 ? 1e-4 * std::max(1.0, std::fabs(wanted.number)) : 0;
        if (std::fabs(got.number - wanted.number) > allowed)
            throw Wrong{key + " " + std::to_string(got.number) + ", expected " + std::to_string(wanted.number)};
        for (std::size_t i = 0; i < wanted.list.size(); i++)
            compare(key + "." + std::to_string(i), got.list[i], wanted.list[i]);
    }

    Answer make(const std::string &op, const Json &step) {
        Answer answer;
        if (op == "open") open(answer, step);
        else if (op == "search_many") search_many_step(answer, step);
        else if (op == "cursor_read") cursor_read(answer, step);
        else if (op == "free_snapshot") snapshots_.at(step["snapshot"].text).close();
        else if (op == "free_cursor") cursors_.at(step["cursor"].text).close();
        else if (op == "parse_filter") {
            Result<Filter> made = Filter::where(step["text"].text);
            if (answer.take(made)) filters_.insert_or_assign(step["filter"].text, std::move(*made));
        } else if (op == "bind_filter") {
            Result<Filter> made = filters_.at(step["from"].text).bind(written(step["values"]));
            if (answer.take(made)) filters_.insert_or_assign(step["filter"].text, std::move(*made));
        }
        else if (op == "filter") {
            Result<Filter> made = Filter::ids(ids_of(step["ids"]), step["allow"].number != 0);
            if (answer.take(made)) filters_.insert_or_assign(step["filter"].text, std::move(*made));
        } else if (op == "free_filter") filters_.at(step["filter"].text).close();
        else if (op == "task") {
            Result<Task> made = Task::make();
            if (answer.take(made)) tasks_.insert_or_assign(step["task"].text, std::move(*made));
        } else if (op == "cancel") answer.take(tasks_.at(step["task"].text).cancel());
        else if (op == "progress") {
            Result<Progress> now = tasks_.at(step["task"].text).progress();
            if (answer.take(now)) {
                answer.results["done"] = number(static_cast<double>(now->done));
                answer.results["total"] = number(static_cast<double>(now->total));
            }
        } else if (op == "repair") repair_step(answer, step);
        else if (op == "damage") damage(step);
        else on_database(answer, op, databases_.at(step["db"].text), step);
        return answer;
    }

    void on_database(Answer &answer, const std::string &op, Database &db, const Json &step) {
        if (op == "close") answer.take(db.close());
        else if (op == "sync") answer.take(db.sync());
        else if (op == "refresh") answer.take(db.refresh());
        else if (op == "checkpoint") answer.take(db.checkpoint(task(step)));
        else if (op == "wait_indexed") answer.take(db.wait_indexed(task(step)));
        else if (op == "option") option(answer, db, step);
        else if (op == "insert" || op == "upsert") {
            const Vectors rows = vectors(step["rows"], step.find("scalar"), db.dim());
            if (has_records(step)) return records(answer, op, db, rows.rows(), step);
            const auto ids = ids_of(step["ids"]);
            answer.take(op == "insert" ? db.insert(ids, rows.rows(), task(step)) : db.upsert(ids, rows.rows(), task(step)));
        } else if (op == "update_meta") number_of(answer, "updated", db.update_meta(ids_of(step["ids"]), texts(step.find("meta"))));
        else if (op == "update_meta_where")
            number_of(answer, "updated", db.update_meta_where(filters_.at(step["filter"].text), step["meta"].text, task(step)));
        else if (op == "delete_where") number_of(answer, "deleted", db.erase_where(filters_.at(step["filter"].text), task(step)));
        else if (op == "delete_keys") number_of(answer, "deleted", db.erase_keys(texts(step.find("keys"))));
        else if (op == "ids_of_keys") {
            Result<std::vector<std::uint64_t>> ids = db.ids_of_keys(texts(step.find("keys")), snapshot(step));
            if (answer.take(ids))
                answer.results["ids"] = list(*ids, [](std::uint64_t id) { return id == VDB_ID_NONE ? Json() : text(std::to_string(id)); });
        } else if (op == "keys_of_ids") texts_of(answer, "keys", db.keys_of_ids(ids_of(step["ids"]), snapshot(step)));
        else if (op == "get_meta") texts_of(answer, "meta", db.get_meta(ids_of(step["ids"]), snapshot(step)));
        else if (op == "delete") {
            number_of(answer, "deleted", db.erase(ids_of(step["ids"])));
        } else if (op == "count") {
            const Json *filter = step.find("filter");
            number_of(answer, "count", db.count(filter ? &filters_.at(filter->text) : nullptr, snapshot(step)));
        } else if (op == "get") get(answer, db, step);
        else if (op == "search" || op == "search_exact") search(answer, op, db, step);
        else if (op == "search_range") search_range(answer, db, step);
        else if (op == "search_ids") lists(answer, db.search_ids(ids_of(step["ids"]), k_of(step), params(step)));
        else if (op == "recommend")
            one_list(answer, db.recommend(ids_of(step["positive"]), ids_of(step["negative"]), k_of(step), params(step)));
        else if (op == "search_diverse")
            one_list(answer, db.search_diverse(one(step, db).rows(), k_of(step), static_cast<std::size_t>(step["candidates"].number),
                                               static_cast<float>(step["lambda"].number), params(step)));
        else if (op == "search_groups")
            lists(answer, db.search_groups(one(step, db).rows(), step["path"].text, static_cast<std::size_t>(step["groups"].number),
                                           static_cast<std::size_t>(step["per_group"].number), params(step)));
        else if (op == "cursor_search") keep(answer, step, db.cursor_search(one(step, db).rows(), params(step)));
        else if (op == "cursor_scan") {
            const Json *filter = step.find("filter");
            keep(answer, step, db.cursor_scan(filter ? &filters_.at(filter->text) : nullptr, snapshot(step)));
        }
        else if (op == "measure_recall") measure_recall(answer, db, step);
        else if (op == "check") check(answer, db, step);
        else if (op == "stats") stats(answer, db);
        else if (op == "snapshot") {
            Result<Snapshot> made = db.snapshot();
            if (answer.take(made)) snapshots_.insert_or_assign(step["snapshot"].text, std::move(*made));
        } else if (op == "backup") answer.take(db.backup(path(step["path"].text), path(text_of(step, "previous"))));
        else if (op == "export_file") {
            const Json *filter = step.find("filter");
            answer.take(db.export_file(path(step["path"].text), text_of(step, "format"), filter ? &filters_.at(filter->text) : nullptr));
        } else if (op == "import_file") answer.take(db.import_file(path(step["path"].text), text_of(step, "format")));
        else if (op == "cache_clear") answer.take(db.cache_clear());
        else if (op == "explain") {
            Result<std::string> told = db.explain(one(step, db).rows(), k_of(step), params(step));
            if (answer.take(told)) answer.results["told"] = JsonReader(*told).read();
        } else if (op == "latency") {
            Result<vdb_latency_t> latency = db.latency(CALLS.at(step["call"].text));
            if (answer.take(latency)) {
                if (latency->p50_ns > latency->p99_ns || latency->p99_ns > latency->max_ns + latency->max_ns / 30 + 1)
                    throw Wrong{"the times are not in order"};
                answer.results["count"] = number(static_cast<double>(latency->count));
            }
        } else if (op == "log_read") {
            Result<std::string> lines = db.log_read();
            if (answer.take(lines)) answer.results["contains"] = text(*lines);
        }
        else throw Wrong{"an op that this replayer does not know"};
    }

    std::string path(const std::string &name) const { return name.empty() ? name : folder_ + "/" + name; }

    static Options options(const Json *values) {
        Options made;
        if (!values) return made;
        for (const auto &[name, value] : values->object)
            made.set(name, value.is(Kind::Bool) ? (value.number != 0 ? "on" : "off") : value.text);
        return made;
    }

    void open(Answer &answer, const Json &step) {
        const Options chosen = options(step.find("options"));
        Result<Database> made = step["path"].is(Kind::Null) ? Database::in_memory(chosen)
                                                            : Database::open(path(step["path"].text), chosen);
        if (answer.take(made)) databases_.insert_or_assign(step["db"].text, std::move(*made));
    }

    const Snapshot *snapshot(const Json &step) {
        const Json *name = step.find("snapshot");
        return name ? &snapshots_.at(name->text) : nullptr;
    }

    Task *task(const Json &step) {
        const Json *name = step.find("task");
        return name ? &tasks_.at(name->text) : nullptr;
    }

    SearchParams params(const Json &step) {
        SearchParams made;
        const Json *params = step.find("params");
        if (!params) return made;
        for (const auto &[name, value] : params->object) {
            if (name == "ef") made.ef = static_cast<std::uint32_t>(value.number);
            else if (name == "rerank") made.rerank = static_cast<std::uint32_t>(value.number);
            else if (name == "target_recall") made.target_recall = static_cast<float>(value.number);
            else if (name == "exact") made.exact = value.number != 0;
            else if (name == "filter") made.filter = &filters_.at(value.text);
            else if (name == "task") made.task = &tasks_.at(value.text);
            else if (name == "snapshot") made.snapshot = &snapshots_.at(value.text);
            else if (name == "max_memory") made.max_memory = static_cast<std::uint64_t>(value.number);
            else if (name == "no_cache") made.no_cache = value.number != 0;
            else throw Wrong{"a parameter that this replayer does not know: " + name};
        }
        return made;
    }

    static void number_of(Answer &answer, const char *name, const Result<std::uint64_t> &value) {
        if (answer.take(value)) answer.results[name] = number(static_cast<double>(*value));
    }
    static void texts_of(Answer &answer, const char *name, const Result<std::vector<std::string>> &values) {
        if (answer.take(values))
            answer.results[name] = list(*values, [](const std::string &value) { return value.empty() ? Json() : text(value); });
    }

    static bool has_records(const Json &step) {
        const Json &ids = step["ids"];
        return step.find("keys") || step.find("meta") || ids.is(Kind::Null) ||
               std::any_of(ids.list.begin(), ids.list.end(), [](const Json &id) { return id.is(Kind::Null); });
    }
    static Texts texts(const Json *values) {
        if (!values) return Texts();
        std::vector<std::string> made;
        for (const Json &value : values->list) made.push_back(value.text);
        return Texts(made);
    }
    void records(Answer &answer, const std::string &op, Database &db, const Rows &rows, const Json &step) {
        const Records with{texts(step.find("keys")), texts(step.find("meta"))};
        const auto asked = ids_of(step["ids"]);
        Result<std::vector<std::uint64_t>> ids =
            op == "insert" ? db.insert(asked, rows, with, task(step)) : db.upsert(asked, rows, with, task(step));
        if (answer.take(ids)) answer.results["ids"] = ids_json(*ids);
    }

    /// A value as JSON again: numbers, texts that need no escapes, and lists of them.
    static std::string written(const Json &value) {
        if (value.is(Kind::Text)) return '"' + value.text + '"';
        if (!value.is(Kind::List)) return value.text;
        std::string made = "[";
        for (const Json &element : value.list) made += (made.size() > 1 ? "," : "") + written(element);
        return made + "]";
    }

    static void option(Answer &answer, const Database &db, const Json &step) {
        Result<std::vector<vdb_option_info_t>> table = option_table();
        if (!answer.take(table)) return;
        vdb_option_info_t unknown{}, *info = &unknown;
        for (auto &row : *table)
            if (step["name"].text == row.name) info = &row;
        const Option id = static_cast<Option>(info->id);
        if (info->value_type == VDB_OPTION_TYPE_TEXT) {
            Result<std::string> value = db.option_text(id);
            if (answer.take(value)) answer.results["value"] = text(*value);
            return;
        }
        if (info->value_type == VDB_OPTION_TYPE_F64) {
            Result<double> value = db.option_f64(id);
            if (answer.take(value)) answer.results["value"] = number(*value);
            return;
        }
        Result<std::uint64_t> value = db.option_u64(id);
        if (!answer.take(value)) return;
        const std::string values = info->values ? std::string(" ") + info->values + " " : "";
        const std::size_t end = values.find("=" + std::to_string(*value) + " ");
        if (values.find(" off=") != std::string::npos) answer.results["value"] = boolean(*value != 0);
        else if (end == std::string::npos) answer.results["value"] = number(static_cast<double>(*value));
        else {
            const std::size_t begin = values.rfind(' ', end) + 1;
            answer.results["value"] = text(values.substr(begin, end - begin));
        }
    }

    void get(Answer &answer, const Database &db, const Json &step) {
        const auto ids = ids_of(step["ids"]);
        const Json *asked = step.find("scalar");
        std::string name;
        for (const auto &[key, value] : SCALARS)
            if (asked ? asked->text == key : value.first == db.scalar()) name = key;
        const auto &[scalar, bits] = SCALARS.at(name);
        const std::size_t size = (db.dim() * bits + 7) / 8;
        std::string bytes(ids.size() * size, '\0');
        std::vector<std::uint8_t> found(ids.size());
        if (!answer.take(db.get_into(ids, scalar, bytes.data(), found, 0, snapshot(step)))) return;
        Json rows;
        rows.kind = Kind::List;
        for (std::size_t i = 0; i < ids.size(); i++)
            rows.list.push_back(found[i] ? row(bytes.substr(i * size, size), scalar) : Json());
        answer.results["rows"] = rows;
    }

    /// A vector as numbers, or of types that have none in C++17 as hexadecimal.
    static Json row(const std::string &bytes, Scalar scalar) {
        Json made;
        made.kind = Kind::List;
        if (scalar == Scalar::F32) {
            std::vector<float> values(bytes.size() / sizeof(float));
            std::memcpy(values.data(), bytes.data(), bytes.size());
            return floats_json(values);
        }
        if (scalar == Scalar::I8) return list(bytes, [](char c) { return number(static_cast<signed char>(c)); });
        if (scalar == Scalar::U8) return list(bytes, [](char c) { return number(static_cast<unsigned char>(c)); });
        std::string hex;
        for (const char c : bytes) {
            char two[3];
            std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            hex += two;
        }
        return text(hex);
    }

    void search(Answer &answer, const std::string &op, const Database &db, const Json &step) {
        const Vectors queries = vectors(step["queries"], step.find("scalar"), db.dim());
        const std::size_t k = static_cast<std::size_t>(step["k"].number);
        const SearchParams how = params(step);
        Result<SearchResult> found = op == "search" ? db.search(queries.rows(), k, how) : db.search_exact(queries.rows(), k, how);
        lists(answer, found);
    }

    static std::size_t k_of(const Json &step) { return static_cast<std::size_t>(step["k"].number); }

    /// The one query of a step.
    static Vectors one(const Json &step, const Database &db) {
        Json rows;
        rows.kind = Kind::List;
        rows.list.push_back(step["query"]);
        return vectors(rows, step.find("scalar"), db.dim());
    }

    template <class T> static void lists(Answer &answer, const Result<T> &found) {
        if (!answer.take(found)) return;
        answer.partial(found->partial);
        Json ids, distances;
        ids.kind = distances.kind = Kind::List;
        for (std::size_t i = 0; i < found->counts.size(); i++) {
            ids.list.push_back(ids_json(found->ids_of(i)));
            distances.list.push_back(floats_json(found->distances_of(i)));
            for (std::size_t j = i * found->k + found->counts[i]; j < (i + 1) * found->k; j++)
                if (found->ids[j] != VDB_ID_NONE || !std::isinf(found->distances[j]))
                    throw Wrong{"a place past the count is not empty"};
        }
        answer.results["ids"] = ids;
        answer.results["distances"] = distances;
    }

    static void one_list(Answer &answer, const Result<Chosen> &found) {
        if (!answer.take(found)) return;
        answer.partial(found->partial);
        answer.results["ids"] = ids_json(found->ids);
        answer.results["distances"] = floats_json(found->distances);
    }

    void search_many_step(Answer &answer, const Json &step) {
        std::vector<const Database *> dbs;
        for (const Json &name : step["dbs"].list) dbs.push_back(&databases_.at(name.text));
        const Vectors queries = vectors(step["queries"], nullptr, 0);
        Result<ManyResult> found = search_many(dbs, queries.rows(), k_of(step), params(step));
        lists(answer, found);
        if (!found.ok()) return;
        Json sources;
        sources.kind = Kind::List;
        for (std::size_t i = 0; i < queries.count; i++)
            sources.list.push_back(list(Span<const std::uint32_t>(found->sources.data() + i * found->k, found->counts[i]),
                                        [](std::uint32_t place) { return number(place); }));
        answer.results["sources"] = sources;
    }

    void keep(Answer &answer, const Json &step, Result<Cursor> made) {
        if (answer.take(made)) cursors_.insert_or_assign(step["cursor"].text, std::move(*made));
    }

    void cursor_read(Answer &answer, const Json &step) {
        const Json *count = step.find("count");
        const std::size_t cap = static_cast<std::size_t>(step["cap"].number);
        const std::size_t wanted = count ? static_cast<std::size_t>(count->number) : SIZE_MAX;
        Chosen all;
        while (all.ids.size() < wanted) {
            Result<Page> page = cursors_.at(step["cursor"].text).next(std::min(cap, wanted - all.ids.size()));
            if (!answer.take(page)) return;
            if (page->partial || page->ids.size() > cap) throw Wrong{"a page is partial or too long"};
            if (page->ids.empty()) break;
            all.ids.insert(all.ids.end(), page->ids.begin(), page->ids.end());
            all.distances.insert(all.distances.end(), page->distances.begin(), page->distances.end());
        }
        one_list(answer, all);
    }

    void search_range(Answer &answer, const Database &db, const Json &step) {
        const Vectors query = one(step, db);
        Result<RangeResult> found = db.search_range(query.rows(), static_cast<float>(step["max_distance"].number),
                                                    static_cast<std::size_t>(step["cap"].number), params(step));
        if (!answer.take(found)) return;
        answer.partial(found->partial);
        answer.results["ids"] = ids_json(found->ids);
        answer.results["distances"] = floats_json(found->distances);
        answer.results["more"] = boolean(found->more);
    }

    void measure_recall(Answer &answer, const Database &db, const Json &step) {
        const std::size_t k = static_cast<std::size_t>(step["k"].number);
        const Json *count = step.find("count");
        const Vectors queries = count ? Vectors() : vectors(step["queries"], nullptr, db.dim());
        Result<Recall> found = count ? db.measure_recall(static_cast<std::size_t>(count->number), k, params(step))
                                     : db.measure_recall(queries.rows(), k, params(step));
        if (!answer.take(found)) return;
        if (found->low > found->recall || found->recall > found->high) throw Wrong{"the interval is not around the recall"};
        answer.results["recall"] = number(found->recall);
    }

    static void check(Answer &answer, const Database &db, const Json &step) {
        const std::map<std::string, CheckLevel> levels = {
            {"checksums", CheckLevel::Checksums}, {"structure", CheckLevel::Structure}, {"recall", CheckLevel::Recall}};
        Result<std::string> report = db.check(levels.at(step["level"].text));
        const std::string json = answer.take(report) ? *report : answer.error->report();
        if (!json.empty()) answer.results["report"] = JsonReader(json).read();
    }

    void repair_step(Answer &answer, const Json &step) {
        const Options chosen = options(step.find("options"));
        Result<RepairReport> report = repair(path(step["from"].text), path(step["to"].text), &chosen);
        if (!answer.take(report)) return;
        answer.partial(!report->complete);
        answer.results["report"] = JsonReader(report->json).read();
    }

    static void stats(Answer &answer, const Database &db) {
        Result<vdb_stats_t> now = db.stats();
        if (!answer.take(now)) return;
        Json fields;
        fields.kind = Kind::Object;
        for_each_field(*now, [&](const char *name, auto value) { fields.object[name] = number(static_cast<double>(value)); });
        answer.results["stats"] = fields;
    }

    void damage(const Json &step) {
        std::fstream file(path(step["file"].text), std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(step["offset"].number));
        const char byte = static_cast<char>(~file.get());
        file.seekp(static_cast<std::streamoff>(step["offset"].number));
        if (!file.put(byte)) throw Wrong{"the file cannot be damaged"};
    }

    std::string folder_;
    std::map<std::string, Filter> filters_;
    std::map<std::string, Task> tasks_;
    std::map<std::string, Database> databases_;
    std::map<std::string, Cursor> cursors_;
    std::map<std::string, Snapshot> snapshots_;
};

void replay(const Json &one, const std::string &folder, Notes &notes) {
    const std::string name = one["name"].text;
    Case run(folder);
    std::size_t number = 0;
    for (const Json &step : one["steps"].list) {
        try {
            run.step(step);
        } catch (const Wrong &wrong) {
            std::printf("test cpp/%s ... FAILED\nstep %zu, %s: %s\n", name.c_str(), number, step["op"].text.c_str(), wrong.what.c_str());
            notes.failed.push_back(name);
            return;
        }
        number++;
    }
    notes.passed.push_back(name);
    if (name == "the script") notes.transcript = run.transcript;
}

} // namespace

int main(int argc, char **argv) {
    Notes notes;
    for (int i = 1; i + 1 < argc; i++) {
        std::ifstream file(argv[i]);
        std::stringstream content;
        content << file.rdbuf();
        const std::string whole = content.str();
        const Json vectors_of_file = JsonReader(whole).read();
        for (const Json &one : vectors_of_file["cases"].list) {
            const std::string folder = std::string(argv[argc - 1]) + "/" + std::to_string(notes.passed.size() + notes.failed.size());
            replay(one, folder, notes);
        }
    }
    notes.write();
    const bool ok = notes.failed.empty() && !notes.passed.empty();
    std::printf("test result: %s. %zu passed; %zu failed; 0 ignored\n", ok ? "ok" : "FAILED", notes.passed.size(), notes.failed.size());
    return !ok;
}
