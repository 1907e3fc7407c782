# SPDX-License-Identifier: Apache-2.0
# What a person types. Every target is idempotent and says what it does; the work is in tools/.

.PHONY: build run stop check check-full demo bench install clean

build:
	@tools/install-deps run
	@tools/build release

run:
	@tools/install-deps run
	@tools/build release
	@tools/run start

stop:
	@tools/run stop

check:
	@tools/install-deps check
	@tools/check

check-full:
	@tools/install-deps full
	@tools/check full

demo:
	@tools/install-deps check
	@tools/build release
	@lab/demo $(DEMO)

bench:
	@tools/install-deps bench
	@tools/build release
	@tools/build tests
	@tests/bench/run $(BENCH)

install:
	@tools/build release
	@meson install -C build/release

clean:
	@tools/run clean
	@rm -rf build
