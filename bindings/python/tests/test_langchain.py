"""The vector store for LangChain, by the tests that LangChain has for all of them, and beside its own in memory."""

import numpy as np
import pytest

import vdb

pytest.importorskip("langchain_core", reason="no langchain-core")

from langchain_core.documents import Document  # noqa: E402
from langchain_core.embeddings import Embeddings  # noqa: E402
from langchain_core.vectorstores import InMemoryVectorStore  # noqa: E402

from vdb.langchain import VdbVectorStore  # noqa: E402

try:
    from langchain_tests.integration_tests import VectorStoreIntegrationTests
except ImportError:
    VectorStoreIntegrationTests = None


class Words(Embeddings):
    """The same vector for the same text, and different ones for different texts."""

    def embed_query(self, text):
        return np.random.default_rng(list(text.encode())).standard_normal(16).tolist()

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


DOCUMENTS = [
    Document(id=f"id {i}", page_content=f"text number {i}", metadata={"n": i, "kind": "even" if i % 2 == 0 else "odd"})
    for i in range(40)]


@pytest.fixture
def store():
    with vdb.open(dim=16, metric="cosine") as database:
        store = VdbVectorStore(Words(), database=database)
        store.add_documents(DOCUMENTS)
        yield store


if VectorStoreIntegrationTests is not None:
    class TestStandard(VectorStoreIntegrationTests):
        @pytest.fixture
        def vectorstore(self):
            store = VdbVectorStore(self.get_embeddings())
            yield store
            store.close()
else:
    def test_standard():
        pytest.skip("no langchain-tests")


def test_the_same_answers_as_the_store_of_langchain(store):
    other = InMemoryVectorStore(Words())
    other.add_documents(DOCUMENTS)
    for query in ("text number 7", "something else", "x"):
        ours, theirs = store.similarity_search_with_score(query, 8), other.similarity_search_with_score(query, 8)
        assert [d for d, _ in ours] == [d for d, _ in theirs]
        assert np.allclose([1 - score for _, score in ours], [score for _, score in theirs], atol=1e-5)
        assert store.similarity_search_by_vector(Words().embed_query(query), 5) == [d for d, _ in ours[:5]]
        for lambda_mult in (0.3, 0.7, 1.0):
            assert (store.max_marginal_relevance_search(query, 5, 20, lambda_mult)
                    == other.max_marginal_relevance_search(query, 5, 20, lambda_mult))
        odd = store.similarity_search(query, 5, filter={"kind": "odd"})
        assert odd == other.similarity_search(query, 5, filter=lambda d: d.metadata["kind"] == "odd")
    scores = [score for _, score in store.similarity_search_with_relevance_scores("text number 7", 3)]
    assert scores[0] == pytest.approx(1, abs=1e-5) and scores == sorted(scores, reverse=True)


def test_filters(store):
    def found(condition):
        return sorted(d.metadata["n"] for d in store.similarity_search("q", 100, filter=condition))

    assert found({"n": [1, 2, 3]}) == [1, 2, 3] and found({"n": 7, "kind": "odd"}) == [7] and found({"n": 7, "kind": "even"}) == []
    assert found({"missing": None, "n": (5,)}) == [5] and len(found({})) == 40
    assert found("metadata.n < 3") == [0, 1, 2] and found(vdb.Filter.where("metadata.n = $1", 9)) == [9]
    with pytest.raises(ValueError):
        found({"a`b": 1})
    with pytest.raises(vdb.FilterSyntaxError):
        found("metadata.n <")
    for i in range(100):
        assert found({"n": i % 40}) == [i % 40]
    assert len(store._filters) <= 32
    store.add_texts(["new"], [{"n": 1000}], ids=["new"])
    assert found("metadata.n > 500") == [1000], "what is new is asked about too"


def test_documents_are_kept_in_files(tmp_path):
    path = str(tmp_path / "documents.vdb")
    store = VdbVectorStore.from_texts(["a", "b"], Words(), [{"x": 1}, {"x": {"deep": [1, "é"]}}], ids=["1", "2"], path=path, m=8)
    store.close()
    again = VdbVectorStore(Words(), path)
    assert again.database.option("m") == 8 and again.database.metric == vdb.Metric.COSINE
    assert again.get_by_ids(["2", "none", "1"]) == [
        Document(id="2", page_content="b", metadata={"x": {"deep": [1, "é"]}}), Document(id="1", page_content="a", metadata={"x": 1})]
    (made,) = again.add_texts(["c"])
    assert again.get_by_ids([made])[0].page_content == "c"
    with pytest.raises(ValueError):
        again.add_texts(["c", "d"], ids=["1"])
    assert again.delete() and again.database.count() == 0 and again.similarity_search("a") == []
    again.close()
    with pytest.raises(vdb.ClosedError):
        again.similarity_search("a")
    with pytest.raises(vdb.NotFoundError):
        VdbVectorStore(Words(), str(tmp_path / "none"), read_only=True)


def test_as_a_retriever(store):
    assert store.as_retriever(search_kwargs={"k": 1}).invoke("text number 3")[0].id == "id 3"


@pytest.mark.parametrize("metric", ["l2sq", "ip"])
def test_relevance_of_other_metrics(metric):
    class Unit(Words):
        def embed_query(self, text):
            vector = np.array(super().embed_query(text))
            return (vector / np.linalg.norm(vector)).tolist()

    store = VdbVectorStore(Unit(), metric=metric)
    store.add_documents(DOCUMENTS)
    scores = [score for _, score in store.similarity_search_with_relevance_scores("text number 3", 5)]
    assert scores[0] == pytest.approx(1, abs=1e-5) and all(0 <= score <= 1.00001 for score in scores)
