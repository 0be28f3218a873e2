"""Fixtures of all tests: small databases in memory."""

import numpy as np
import pytest

import vdb


@pytest.fixture
def db():
    with vdb.open(dim=4) as opened:
        yield opened


@pytest.fixture
def filled(db):
    db.insert(np.arange(100), np.random.default_rng(1).standard_normal((100, 4), dtype=np.float32))
    return db
