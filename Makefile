# `make` alone says what there is. Everything runs from a clone in a folder of any name.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

RUNNERS ?= 2
BIN := .venv/bin
PYTHON_VENV := $(BIN)/python
TIMED = tools/timed $@
PARTS := lint unit sanity artifact integration
LAB_PARTS := molecule wireguard policy
SLOW := rollback locking partial teardown drift reboot upgrade flow

BPF := $(patsubst %.c,%.o,$(wildcard files/bpf/*.bpf.c))
# The kernel's headers ask for those of a machine, which clang does not look for when it compiles for none.
BPF_FLAGS := -O2 -g -target bpf -idirafter /usr/include/$(shell uname -m)-linux-gnu -fno-strict-aliasing \
	-Wall -Wextra -Wpadded -Wno-unused-parameter -Werror

# Programs that other programs start (ansible-test, molecule, ansible-lint) are found in the environment too.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# A locale that every machine has; Ansible refuses to run without UTF-8.
export LC_ALL := C.UTF-8

# A build machine's checkout may belong to somebody else than who runs make; git is only asked for its list of files.
export GIT_CONFIG_COUNT := 1
export GIT_CONFIG_KEY_0 := safe.directory
export GIT_CONFIG_VALUE_0 := *

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### The network

.PHONY: demo converge lab-up lab-down
demo: lab-up ## lab up, build the overlay on it, prove that it works; the lab stays up
	@$(MAKE) --no-print-directory converge
	@$(TIMED) $(PYTHON_VENV) -m lab.demo

converge: venv ## build the overlay on the lab (again)
	@$(TIMED) $(BIN)/ansible-playbook playbooks/site.yml -i inventories/lab

lab-up: venv ## start the lab's hosts [RUNNERS=n]
	@$(TIMED) $(PYTHON_VENV) -m lab up --runners $(RUNNERS)

lab-down: venv ## stop them and leave nothing behind
	@$(TIMED) $(PYTHON_VENV) -m lab down

##### Tests, the fast ones first

.PHONY: test $(PARTS) $(LAB_PARTS)
test: venv bpf ## all of the following, those on the lab beside the others; all run even if one fails
	@tools/test-parts $(PARTS) -- $(LAB_PARTS)

lint: venv ## ruff, mypy on the pure rooms, yamllint, ansible-lint (production)
	@$(TIMED) tools/lint

unit: venv bpf ## the pure rooms, the in-memory kernel, the architecture
	@$(TIMED) $(BIN)/pytest tests/unit

sanity: venv ## ansible-test sanity, on a copy
	@$(TIMED) $(PYTHON_VENV) tools/sanity.py

artifact: venv bpf ## build the collection, install it offline, run it from there
	@$(TIMED) tools/artifact

integration: venv bpf ## against the kernel, in network namespaces of its own (root)
	@$(TIMED) $(BIN)/pytest tests/integration

$(LAB_PARTS): venv bpf
	@$(TIMED) $(BIN)/molecule test --scenario-name $(subst molecule,default,$@)

molecule: ## scenario default on the lab (root)
wireguard: ## scenario wireguard on the lab (root)
policy: ## scenario policy on the lab (root)

##### Slow, and not part of the above: scenarios on the lab, 5 to 15 minutes each (root)

.PHONY: slow $(SLOW)
slow: venv bpf ## all of the following: before a release
	@tools/test-parts $(SLOW)

$(SLOW): venv bpf
	@$(TIMED) $(BIN)/molecule test --scenario-name $@

rollback: ## changes that nobody confirms, or that fail half way: after changes in converge/
locking: ## two who change one host, and who would shut himself out: after changes of lineage or locks
partial: ## runs that do not reach everybody, runners that are taken out: after changes of allocation, or of what ends a run
teardown: ## built, left, compared byte for byte: after changes of what is built
drift: ## what people do to hosts is seen and mended: after changes of the diff or of the status
reboot: ## every host, soft and hard, alone and together: after changes of what happens at boot
upgrade: ## hosts as earlier releases left them: before a format changes, and after
flow: ## what a running flow does not notice: after changes in kernel/, converge/ or the firewall

##### The rest

.PHONY: kernel browser bench docs venv bpf packages lock clean
kernel: venv bpf ## Debian's own kernel in QEMU: before a release, and after changes in kernel/ (root, 7 minutes)
	@tools/system-packages kernel
	@$(TIMED) $(BIN)/pytest tests/kernel

browser: venv ## the page of playbooks/status.yml in headless Chromium
	@tools/system-packages browser
	@$(TIMED) $(BIN)/pytest tests/browser

bench: venv bpf ## measure, and compare with ip -batch, ansible ping, and plain forwarding (root)
	@$(TIMED) bench/run

docs: venv ## write again what is generated below docs/
	@$(TIMED) $(PYTHON_VENV) docs/generate.py

venv: packages ## .venv and the collections we depend on, as locked (done by every target above)
	@tools/venv

bpf: $(BPF) ## compile the BPF programs (done by every target that needs them)

# BTF stays, it is what the loader makes maps by; the rest of what -g writes is only for debuggers.
files/bpf/%.o: files/bpf/%.c $(wildcard files/bpf/*/*.h) Makefile | packages
	@clang $(BPF_FLAGS) -c $< -o $@.new
	@llvm-strip -g $@.new
	@mv $@.new $@

packages:
	@tools/system-packages

lock: venv ## resolve requirements.txt and requirements-dev.in anew
	@$(TIMED) tools/lock

clean: ## remove what make made here; the lab's cache stays
	rm -rf .venv .cache dist build tests/output files/bpf/*.o
