# `make` alone lists what there is.
.DEFAULT_GOAL := help
# Without bytecode each of the six services would compile a thousand modules at each start.
unexport PYTHONDONTWRITEBYTECODE
MEMBERS := $(wildcard libs/* services/*)

# The newest Python is not the safest choice: the first of these that works is taken.
ifndef PYTHON
PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); print(sys.executable)' 2>/dev/null && break; done)
endif
INSTALL = PYTHONPATH=deploy "$(PYTHON)" -m install
UV = $(INSTALL) uv
# Three workers, each with servers of its own: half of the time is waiting. A file's tests stay
# together, and testkit.selection orders the files. A test that ends its worker would be tried again
# by each new one.
TEST = .venv/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 1 $(ARGS)
# A proof in its long form takes as long as the machine is slow; a test that hangs has 300 s.
FOR_LONG = --timeout 7200
LOCAL := PYTHONPATH=deploy .venv/bin/python -m local
INSTALLED := .venv/installed
LOCKING = $(UV) pip compile -q --universal --generate-hashes --custom-compile-command "make lock" \
	$(foreach m,$(MEMBERS),$(m)/pyproject.toml) --group pyproject.toml:dev --group pyproject.toml:local \
	$(foreach m,$(notdir $(MEMBERS)),--no-emit-package $(m))

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

up: $(INSTALLED) ## Start everything on this machine: PostgreSQL, Kafka, the services, the demo (DEMO=no: without it)
	@$(LOCAL) up $(if $(filter no,$(DEMO)),--no-demo)

# Nothing is installed in order to stop something: while `make up` installs, that is what ends.
down: ## Stop everything, a `make up` that is under way as well; no process is left
	@$(MAKE) --no-print-directory python
	@$(INSTALL) stop
	@if PYTHONPATH=deploy .venv/bin/python -c "import local.down" 2>/dev/null; then $(LOCAL) down; else echo "nothing was running"; fi

reset: $(INSTALLED) ## Stop everything and remove all data of this checkout; asks (YES=yes: does not)
	@$(LOCAL) reset $(if $(filter yes,$(YES)),--yes)

status: $(INSTALLED) ## What runs, whether it is healthy, what is parked, where the console is
	@$(LOCAL) status

credentials: $(INSTALLED) ## Print the secrets, as JSON (PART=partner.token: one of them)
	@$(LOCAL) credentials $(PART)

logs: $(INSTALLED) ## Follow the logs (NAMES="order kafka" for some of them)
	@$(LOCAL) logs $(NAMES)

run: $(INSTALLED) ## A service's own command (CMD="order parked list", CMD="gateway rebuild")
	@$(LOCAL) run $(CMD)

rebuild: $(INSTALLED) ## Make what a service copies anew, while it runs (service=gateway, order, voucher, billing, customer-sync)
	@$(LOCAL) rebuild $(service)

test: $(INSTALLED) ## Every test, on a real PostgreSQL and a real Kafka that it starts itself (ARGS=--record-seconds)
	$(TEST)

quick: $(INSTALLED) form ## Format, lint, types, and every test that needs no server: in about a minute
	.venv/bin/pytest -q -n 2 --dist loadfile --no-servers

check: $(INSTALLED) lock-check form ## Everything that CI checks, in its order: lock, format, lint, types, tests
	$(TEST)

form:
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy libs services deploy tests

soak: $(INSTALLED) ## Kill, freeze and restart the bus under load (SECONDS=120, SEED=…), then check every fact
	.venv/bin/python -m tests.chassis.soak --seconds $(or $(SECONDS),120) $(if $(SEED),--seed $(SEED))

prove-alerts: $(INSTALLED) ## Freeze order under load; a real Prometheus must alarm (PROMETHEUS=path, ARGS="--alert ConsumerLate")
	@$(LOCAL) prove-alerts $(ARGS)

test-alerts: $(INSTALLED) ## When alarms fire, judged by promtool of Debian's prometheus (PROMETHEUS=path)
	PYTHONPATH=deploy .venv/bin/python -m tests.local.alert_rules

fuzz: $(INSTALLED) ## Ask all that is published, wrongly and rightly, for long (SECONDS=600, SEED=…)
	.venv/bin/python -m tests.wire.fuzzing --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

prove-vouchers: $(INSTALLED) ## Random lives of vouchers beside a plain model, so many (LIVES=60, SEED=…): minutes
	VOUCHER_LIVES=$(or $(LIVES),60) $(if $(SEED),VOUCHER_SEED=$(SEED)) .venv/bin/pytest -q $(FOR_LONG) tests/voucher/test_voucher_lives.py $(ARGS)

prove-orders: $(INSTALLED) ## Random lives of orders beside a plain model, for long (SECONDS=600, SEED=…, ARGS=--help)
	.venv/bin/python -m tests.flows.order_life.prove --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED)) $(ARGS)

prove-bills: $(INSTALLED) ## Differences of every kind in a vendor's bill of a million rows (ARGS="--rows 100000")
	.venv/bin/python -m tests.billing.prove_bills $(ARGS)

prove-focus: $(INSTALLED) ## A month's export judged by the FOCUS validator, which it installs for itself
	.venv/bin/python -m tests.billing.prove_focus

prove-deliveries: $(INSTALLED) ## Files in a bucket of a real server that checks signatures; needs Go
	.venv/bin/python -m tests.billing.prove_deliveries

drill-restore: $(INSTALLED) ## Load all six services, destroy, restore to the end and to an instant, by a ledger (ARGS="--rounds 30")
	PYTHONPATH=deploy .venv/bin/python -m tests.flows.drill_restore $(ARGS)

prove-backups: $(INSTALLED) ## Backups in a bucket of a real server that checks signatures, restored; needs Go
	PYTHONPATH=deploy .venv/bin/python -m tests.chassis.prove_backups

prove-settlement: $(INSTALLED) ## A month of 1 M lines killed at each step comes to the same bytes (ARGS="--lines 50000")
	.venv/bin/python -m benchmarks.billing_kills $(ARGS)

travel: $(INSTALLED) ## A portfolio lives so many days, in one jump and day by day (DAYS=400): minutes
	TRAVEL_DAYS=$(or $(DAYS),400) .venv/bin/pytest -q $(FOR_LONG) tests/flows/test_time_travel.py $(ARGS)

ratings: $(INSTALLED) ## Fees of 10,000 random usages against exact fractions (RATINGS=100000): a minute
	RATINGS=$(or $(RATINGS),10000) .venv/bin/pytest -q $(FOR_LONG) tests/billing/test_rate.py $(ARGS)

bench-bus: $(INSTALLED) ## The bus beside its peers and bare floors, ratios printed (ARGS="relay --rounds 5")
	.venv/bin/python -m benchmarks.bus $(ARGS)

bench-wire: $(INSTALLED) ## The wire beside a bare route and its floor, over 10 k and 1 M customers (ARGS="--large 100000")
	.venv/bin/python -m benchmarks.wire $(ARGS)

bench-portfolio: $(INSTALLED) ## Each filter of the portfolio's search over 1 M customers (ARGS="--customers 100000")
	.venv/bin/python -m benchmarks.portfolio $(ARGS)

bench-matching: $(INSTALLED) ## 1 M lines of a bill against 10 k partner vouchers, beside SQL (ARGS="--lines 100000")
	.venv/bin/python -m benchmarks.matching $(ARGS)

bench-vouchers: $(INSTALLED) ## Issues, payments, lists and the proof of vouchers beside their floors (ARGS="proof --large 100000")
	.venv/bin/python -m benchmarks.vouchers $(ARGS)

bench-orders: $(INSTALLED) ## Payments, lists, renewals beside their floors (ARGS="payments lists --large 100000 --due 2000")
	.venv/bin/python -m benchmarks.orders $(ARGS)

bench-billing: $(INSTALLED) ## Billing's rows beside their floors (ARGS="transfers --lines 100000")
	.venv/bin/python -m benchmarks.billing $(ARGS)

bench-migrations: $(INSTALLED) ## Migrations of 1 M rows beside writers: their rate, the longest wait (ARGS="order --rows 100000")
	.venv/bin/python -m benchmarks.migrations $(ARGS)

kube: $(INSTALLED) ## The chart on a real Kubernetes of one node, as root on Debian: half an hour (ARGS="--outage 60", "--to story --keep", "--from upgrade", down)
	.venv/bin/python -m tests.kube $(ARGS)

chart: $(INSTALLED) ## Write what the Helm chart takes from elsewhere: its table of values, its alerts
	PYTHONPATH=deploy .venv/bin/python -m helm.generate

format: $(INSTALLED) ## Put the code into its form
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

install: ## Make .venv exactly as locked
	@rm -f $(INSTALLED)
	@$(MAKE) --no-print-directory $(INSTALLED)

lock: python ## Resolve anew; keeps pins that still fit (UPGRADE=--upgrade moves them)
	@$(LOCKING) $(UPGRADE) -o requirements.lock

lock-check: python ## The lock fits what the members ask for
	@mkdir -p .run && cp requirements.lock .run/requirements.lock
	@$(LOCKING) -o .run/requirements.lock
	@diff requirements.lock .run/requirements.lock || { echo "requirements.lock is out of date: run 'make lock'"; exit 1; }

lock-kafka: $(INSTALLED) ## Resolve the embedded Kafka's jars anew (deploy/kafka)
	.venv/bin/python -m testkit.embedded.jars

bundle: $(INSTALLED) ## All that is fetched, in one file, for machines without a network (BUNDLE=FILE to use it)
	@$(INSTALL) bundle channelbus-bundle.tar

$(INSTALLED): requirements.lock pyproject.toml $(foreach m,$(MEMBERS),$(m)/pyproject.toml) | unpacked
	@$(MAKE) --no-print-directory python
	@$(INSTALL)
	@touch $(INSTALLED)

unpacked:
	@$(if $(BUNDLE),$(INSTALL) unpack "$(BUNDLE)")

python:
	@test -n "$(PYTHON)" || { echo "Channelbus needs Python 3.11 or newer; none of python3.11 … python3.14, python3 is: install one, or name it: PYTHON=/path/to/python make up"; exit 1; }
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON): name a Python 3.11 or newer, PYTHON=python3.12 make up"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Channelbus needs Python 3.11 or newer, and " + sys.executable + " is " + sys.version.split()[0] + ": name another one, PYTHON=python3.12 make up")'

.PHONY: bundle ratings chart credentials prove-alerts help up down reset run status logs rebuild test quick check form format install lock lock-check lock-kafka python unpacked
