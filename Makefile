# What an operator types. `make help` lists it.
PYTHON ?= python3
LAB ?=
export LAB
BIN := .venv/bin
STAMP := .venv/.locks

.DEFAULT_GOAL := help
.PHONY: help up down destroy deploy check test soak soak-pi soak-legacy soak-soulfra bench bench-deploy bench-migrate bench-adopt bench-bridge bench-knowledge bench-sessions bench-legacy bench-pi bench-soulfra bench-live bench-memory bench-evolve lock lint preflight

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

up: preflight $(STAMP) ## have the lab standing and flowing; LAB=name gives it its own names
	@$(BIN)/abode up

down: $(STAMP) ## stop the lab, keep its data
	@$(BIN)/abode down

destroy: $(STAMP) ## remove everything that make up created, and nothing else
	@$(BIN)/abode destroy
	@test -d .abode || rm -rf .venv abode.egg-info

deploy: $(STAMP) ## deploy to the hosts in force: hosts.toml, else the lab
	@$(BIN)/abode deploy

check: $(STAMP) ## check the hosts in force, lab or real
	@ABODE_CHECK=1 $(BIN)/python -m pytest tests/hosts

test: $(STAMP) ## run every test
	@$(BIN)/python -m pytest

soak: $(STAMP) ## the long form of the bad days: deploys and migrations killed 25 times each
	@ABODE_KILLS=25 ABODE_ROUNDS=20 $(BIN)/python -m pytest --timeout 3600 \
		tests/unit/migrate/test_killed.py tests/database/migrate/test_killed.py \
		tests/database/evolve/test_killed.py
	@ABODE_SOAK=1 $(BIN)/python -m pytest --timeout 7200 \
		tests/database/governance/test_partitions.py tests/database/governance/test_maintenance.py
	@ABODE_KILLS=25 $(BIN)/python -m pytest --timeout 3600 tests/lab/test_deploy.py
	@ABODE_LEDGER_SECONDS=180 $(BIN)/python -m pytest --timeout 3600 tests/database/ledger

soak-pi: $(STAMP) ## the Pi's bad days: 1,000 kills, power cuts, flipped bytes, a disk in trouble
	@ABODE_ANIMA_KILLS=1000 ABODE_ANIMA_CUTS=3000 ABODE_ANIMA_MENDING_CUTS=300 \
		ABODE_ANIMA_FLIPS=200 ABODE_ANIMA_TROUBLES=4 nice -n 5 $(BIN)/python -m pytest --timeout 3600 \
		tests/unit/anima/faults
	@ABODE_PIECES=200 ABODE_ROUNDS=10 ABODE_OUTBOX_SEEDS=50 ABODE_ARCHIVE_KILLS=100 ABODE_WEEKS=full \
		nice -n 5 $(BIN)/python -m pytest --timeout 3600 \
		tests/unit/anima/test_pieces.py tests/unit/anima/test_pickup.py \
		tests/unit/anima/test_outbox.py tests/unit/anima/test_retention.py \
		tests/unit/anima/test_two_weeks.py
	@ABODE_WEEK_CHECK_INS=10080 nice -n 5 $(BIN)/python -m pytest --timeout 3600 \
		tests/database/anima/test_a_week_away.py
	@ABODE_PI_KILLS=30 nice -n 5 $(BIN)/python -m pytest --timeout 3600 \
		tests/lab/test_bad_days.py -k killed_again_and_again

soak-legacy: $(STAMP) ## old data: killed at 25 seeded moments each, a byte planted in every column, 5 minutes live
	@ABODE_LEGACY_KILLS=25 ABODE_LEGACY_PASSES=40 nice -n 5 $(BIN)/python -m pytest --timeout 3600 \
		tests/database/legacy/test_killed.py tests/database/legacy/test_over_killed.py \
		tests/database/legacy/test_followed.py
	@ABODE_LEGACY_LIVE_SECONDS=300 nice -n 5 $(BIN)/python -m pytest --timeout 3600 \
		tests/database/legacy/test_live_writer.py
	@ABODE_LEGACY_PLANTS=1000 ABODE_LEGACY_ROWS=300000 nice -n 5 $(BIN)/python -m pytest \
		--timeout 3600 tests/database/legacy/test_verify.py \
		tests/database/legacy/test_verify_size.py
	@ABODE_SOAK=1 $(BIN)/python -m pytest --timeout 3600 tests/lab/test_verify.py

soak-soulfra: $(STAMP) ## a million events with everything killed; slots moved, their mover killed at each statement
	@ABODE_EVENTS=1000000 $(BIN)/python -m pytest -s --timeout 3600 \
		tests/database/soulfra/live/test_soak.py
	@ABODE_SOAK=1 $(BIN)/python -m pytest --timeout 3600 tests/database/soulfra/shards

bench: bench-migrate bench-adopt bench-bridge bench-knowledge bench-sessions bench-legacy bench-pi bench-soulfra bench-live bench-memory bench-evolve bench-deploy ## every measurement, beside the tools it must beat

bench-memory: $(STAMP) ## an agent's sealed file beside plain SQLite and SQLCipher
	@$(BIN)/python -m tests.bench.memory

bench-live: $(STAMP) ## how late an event is in Redis and at a WebSocket at full write load
	@$(BIN)/python -m tests.bench.live

bench-evolve: $(STAMP) ## what each step of an evolution costs those who write, and how fast rows are filled
	@$(BIN)/python -m tests.bench.evolve

bench-migrate: $(STAMP) ## time migrations against psql, sqlite3 and plain yoyo
	@$(BIN)/python -m tests.bench.migrate

bench-adopt: $(STAMP) ## time the adoption of a database with 200,000 rows
	@$(BIN)/python -m tests.bench.adopt

bench-bridge: $(STAMP) ## check-ins a second against pgbench and the official SDK
	@$(BIN)/python -m tests.bench.bridge

bench-knowledge: $(STAMP) ## time the graph against plain tables and Cypher
	@$(BIN)/python -m tests.bench.knowledge

bench-soulfra: $(STAMP) ## events a second against pgbench, how fast all is replayed, and reads through Redis
	@$(BIN)/python -m tests.bench.soulfra
	@$(BIN)/python -m tests.bench.soulfra_reads

bench-sessions: $(STAMP) ## whose is a session, against redis-benchmark and redis-py
	@$(BIN)/python -m tests.bench.sessions

bench-legacy: $(STAMP) ## the backfill of old data against a bare COPY and pgloader
	@command -v pgloader >/dev/null || apt-get install -y -qq --no-install-recommends pgloader
	@$(BIN)/python -m tests.bench.legacy

bench-pi: $(STAMP) ## what the creature costs its board, beside collectd and plain sqlite3
	@$(BIN)/python -m tests.bench.pi

bench-deploy: $(STAMP) ## time the no-change deploy against ansible-core
	@$(BIN)/python -m tests.bench.deploy

lock: ## pin the dependencies anew; needs uv
	@sh locks/compile.sh

lint: $(STAMP) ## ruff, mypy, squawk, our rules for migrations, and documents made from declarations
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/python -m apps.lint
	@$(BIN)/python -m apps.declared --check && $(BIN)/python -m apps.ops.catalogue --check

preflight:
	@$(PYTHON) -m apps.lab.preflight

# A venv half made is made anew: the stamp is its last file.
$(STAMP): locks/dev.txt pyproject.toml
	@echo "making .venv"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r locks/dev.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation \
		--config-settings editable_mode=compat -e .
	@touch $@
