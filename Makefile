# `make help` lists the targets. c/toolchain.sh and tests/setup.sh find or install missing tools.

CORE := $(wildcard c/*.c)
KERNEL_TESTS := $(CORE) $(wildcard c/ref/*.c tests/kernels/*.c)
C_FILES := $(KERNEL_TESTS) tests/fuzz/kernels.c $(wildcard c/*.h c/ref/*.h tests/kernels/*.h tests/bench/*.c)
JS_FILES := $(shell find js -name '*.js' -not -path 'js/dist/*' -not -path 'js/page/padless/*')
# Skips the tests of npm packages: `make peers` installs some in tests/bench/peers.
tests_in = $(shell find $(1) -name '*.test.js' -not -path '*/node_modules/*')
PAGE_TESTS := $(call tests_in,tests/page)
FIREFOX_TESTS := $(call tests_in,tests/firefox)
SITE_TESTS := $(call tests_in,tests/site)
TESTS := $(filter-out $(PAGE_TESTS) $(FIREFOX_TESTS) $(SITE_TESTS),$(call tests_in,tests))

# Bundled, so that the worker imports nothing. js/page/worker-client.js says why it is in a folder of this name.
SINGLE := js/dist/padless.min.mjs js/dist/padless.min.js
WORKER := js/page/padless/worker-entry.js
DIST := js/dist/padless.wasm js/dist/padless.relaxed.wasm js/dist/inline.js js/dist/abi.js js/dist/layers.js $(WORKER) $(SINGLE)
TYPES := js/dist/types/index.d.ts
NODE26 := node_modules/node/bin/node
BIN := node_modules/.bin

# Sizes are int in the API and size_t inside: -Wsign-conversion sees that each function of the core converts them explicitly. Twins and tests
# may mix the two.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
  -Wconversion $(if $(filter $(CORE),$<),-Wsign-conversion,-Wno-sign-conversion) $(if $(CI),-Werror)
# No -ffast-math and no contraction, so that native builds, wasm and twins stay comparable.
CFLAGS = -std=c11 -ffp-contract=off -Ic $(WARNINGS)

.DEFAULT_GOAL := wasm
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# All cores, by default: `make -j1` uses one. A make within this one takes part in its jobs.
JOBS := $(shell getconf _NPROCESSORS_ONLN)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=$(JOBS)
endif
.PHONY: help wasm debug types native sanitize test test-one coverage coverage-c coverage-js test-native test-node test-node26 test-relaxed test-page test-firefox test-site test-bundlers test-build lint lint-package lint-c lint-js format model-packages demo site survives fuzz-keras keras-cases fuzz-torch fuzz-onnx fuzz fuzz-kernels soak mutants peers models-bench clean

# Recipes print what they make; V=1 prints their commands, too.
Q := $(if $(V),,@)

help: ## prints this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /  \1\t/p' Makefile | expand -t 16

# ---- Objects: build/VARIANT/FILE.o -------------------------------------------------------------------------------------------------

# $(call variant,NAME,COMPILER,FLAGS,NEEDS): how the C files are compiled for this variant.
define variant
build/$(1)/%.o: %.c Makefile $(4)
	@mkdir -p $$(@D) && echo "compile $(1) $$<"
	$$(Q)$(2) $$(CFLAGS) $(3) -MMD -MP -c $$< -o $$@
endef
objects = $(patsubst %.c,build/$(1)/%.o,$(2))

SIMD := -O3 -DNDEBUG -msimd128
DEBUG := -O1 -g -msimd128
COVERAGE := -O1 -g -fprofile-instr-generate -fcoverage-mapping
# A size_t of 32 bits, as in wasm32; the core stops where one wraps. -O0, as clang 14 does not finish gemm.c with -O1 and this sanitizer.
SANITIZE_SIZES := -fsanitize=unsigned-integer-overflow,implicit-unsigned-integer-truncation
SIZE32 = -O0 -g -include tests/kernels/size32.h -Wno-format -Wno-conversion \
  $(if $(filter $(CORE),$<),$(SANITIZE_SIZES) -fno-sanitize-recover=all)
FUZZER := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# A page waits for the download of the wasm, too, so it is compiled for size. The kernels that do most of the work get -Os: with their loops
# unrolled by hand (UNROLL in c/simd.h) they are as fast as with -O3 and a third smaller. The others get -Oz and may be slower.
FAST := act embedding gemm quant rnn
SMALL := attn birnn build conv crf loss mask merge norm pool seq softmax
$(foreach build,baseline relaxed,$(eval $(FAST:%=build/wasm/$(build)/c/%.o): SIZE := -Os))
$(foreach build,baseline relaxed,$(eval $(SMALL:%=build/wasm/$(build)/c/%.o): SIZE := -Oz))

$(eval $(call variant,wasm/baseline,build/emcc,$(SIMD) $$(SIZE),build/emcc))
$(eval $(call variant,wasm/relaxed,build/emcc,$(SIMD) -mrelaxed-simd -DPL_RELAXED $$(SIZE),build/emcc))
$(eval $(call variant,wasm/debug,build/emcc,$(DEBUG),build/emcc))
$(eval $(call variant,native/gcc,gcc,-O3 -g,| build/setup))
$(eval $(call variant,native/clang,clang,-O3 -g,| build/setup))
$(eval $(call variant,native/size32,clang,$$(SIZE32),| build/setup))
$(eval $(call variant,fuzzer,clang,$(FUZZER),| build/setup))
$(eval $(call variant,sanitize/baseline,clang,$(SANITIZE),| build/setup))
$(eval $(call variant,sanitize/relaxed,clang,$(SANITIZE) -DPL_RELAXED,| build/setup))
$(eval $(call variant,coverage,clang,$(COVERAGE),| build/setup))

# ---- WebAssembly -------------------------------------------------------------------------------------------------------------------

wasm: $(DIST) ## the core for browsers and Node, both builds (the default)

# A module without an entry point and without imports (tests/package/wasm.test.js checks both builds).
WASM_LINK := -Oz --no-entry -sSTANDALONE_WASM

# A script that runs the emcc that was found; after `make clean` it is searched for again.
build/emcc: c/toolchain.sh
	@c/toolchain.sh emcc $@

# From c/padless.h: the functions that the linker exports, and enums and struct layouts for JavaScript.
build/exports: c/abi.js c/padless.h
	@mkdir -p $(@D)
	@node c/abi.js exports c/padless.h >$@

js/dist/abi.js: c/abi.js c/padless.h
	@mkdir -p $(@D) && echo "write $@"
	@node c/abi.js js c/padless.h >$@

# From the classes in js/layers: the exports of padless/layers, and the class names that a model file may hold, early and late ones.
js/dist/layers.js: js/tools/list-layers.js js/dist/abi.js js/runtime/activations.js js/errors.js $(filter js/layers/%,$(JS_FILES))
	@echo "write $@"
	@node js/tools/list-layers.js js/dist

js/dist/padless.wasm: $(call objects,wasm/baseline,$(CORE))
js/dist/padless.relaxed.wasm: $(call objects,wasm/relaxed,$(CORE))
js/dist/padless.wasm js/dist/padless.relaxed.wasm: build/exports
	@mkdir -p $(@D) && echo "link $@"
	$(Q)build/emcc $(WASM_LINK) -sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=1MB -sEXPORTED_FUNCTIONS=@build/exports $(filter %.o,$^) -o $@

js/dist/inline.js: c/inline.js package.json js/dist/padless.wasm js/dist/padless.relaxed.wasm
	@echo "write $@"
	$(Q)node c/inline.js $@

$(WORKER): js/tools/bundle.js $(JS_FILES) js/dist/abi.js js/dist/layers.js js/dist/inline.js node_modules/.installed
	@echo "bundle $@"
	@node js/tools/bundle.js worker $@

# All of padless in one file, as an ES module and as a script.
js/dist/padless.min.mjs: BUNDLE := esm
js/dist/padless.min.js: BUNDLE := script
$(SINGLE): js/tools/bundle.js $(JS_FILES) js/dist/abi.js js/dist/layers.js js/dist/inline.js node_modules/.installed
	@echo "bundle $@"
	@node js/tools/bundle.js $(BUNDLE) $@

debug: build/debug/padless.wasm ## the core with assertions and function names: build/debug/padless.wasm

# Linked with -O1, as -Oz would remove the function names. A failed assertion traps (c/arena.c), so this module needs no imports either.
build/debug/padless.wasm: $(call objects,wasm/debug,$(CORE)) build/exports
	@mkdir -p $(@D) && echo "link $@"
	$(Q)build/emcc -O1 -g --no-entry -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=1MB -sEXPORTED_FUNCTIONS=@build/exports $(filter %.o,$^) -o $@

# The kernels, their twins and the tests in one module. tests/kernels/test.h exports the functions that the runner calls.
build/test/kernels.wasm: $(call objects,wasm/baseline,$(KERNEL_TESTS))
build/test/kernels.relaxed.wasm: $(call objects,wasm/relaxed,$(KERNEL_TESTS))
build/test/kernels.wasm build/test/kernels.relaxed.wasm: Makefile
	@mkdir -p $(@D) && echo "link $@"
	$(Q)build/emcc $(WASM_LINK) -sINITIAL_MEMORY=64MB $(filter %.o,$^) -o $@

# Measures this machine's peak multiply-add rate, for the bench.
build/bench/peak.wasm: tests/bench/peak.c build/emcc
	@mkdir -p $(@D)
	$(Q)build/emcc -O3 -msimd128 -mrelaxed-simd --no-entry -sSTANDALONE_WASM $< -o $@

# ---- Native ------------------------------------------------------------------------------------------------------------------------

native: build/native/gcc/libpadless.a build/native/clang/libpadless.a ## the core as a library for this machine, by gcc and by clang

build/native/%/libpadless.a:
	@echo "archive $@" && rm -f $@
	$(Q)ar rcs $@ $^
$(foreach cc,gcc clang,$(eval build/native/$(cc)/libpadless.a: $(call objects,native/$(cc),$(CORE))))

# Kernel tests as programs: build/native/CC/kernels and build/sanitize/BUILD/kernels.
$(foreach cc,gcc clang,$(eval build/native/$(cc)/kernels: $(call objects,native/$(cc),$(KERNEL_TESTS)) ; $(Q)$(cc) $$^ -lm -o $$@))
$(foreach simd,baseline relaxed,$(eval build/sanitize/$(simd)/kernels: $(call objects,sanitize/$(simd),$(KERNEL_TESTS)) ; \
  $(Q)clang $(SANITIZE) $$^ -lm -o $$@))

# Runs the kernel tests. If one fails, prints their TAP without the tests that passed.
run_kernels = @./$< >$<.tap 2>&1 && echo "$<: $$(grep -c '^ok' $<.tap) tests passed" || { grep -v '^ok' $<.tap; exit 1; }

sanitize: sanitize-baseline sanitize-relaxed ## the kernel tests on this machine under ASan and UBSan
sanitize-%: build/sanitize/%/kernels
	$(run_kernels)

build/fuzzer/kernels: $(call objects,fuzzer,$(CORE) tests/fuzz/kernels.c)
	$(Q)clang $(FUZZER) $^ -lm -o $@
fuzz-kernels: build/fuzzer/kernels ## libFuzzer over the kernels for FUZZ_SECONDS=60; goes on with the cases of before
	@mkdir -p build/fuzzer/cases
	@./$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -len_control=0 -artifact_prefix=build/fuzzer/ build/fuzzer/cases

# Sizes of 32 bits by clang alone: gcc has no sanitizer for unsigned numbers.
build/native/size32/kernels: $(call objects,native/size32,$(CORE) tests/kernels/sizes.c tests/kernels/test.c)
	$(Q)clang $(SANITIZE_SIZES) $^ -lm -o $@

test-native: test-gcc test-clang test-size32 ## the kernel tests on this machine, by gcc and clang, and with sizes of 32 bits
test-gcc test-clang test-size32: test-%: build/native/%/kernels
	$(run_kernels)

# ---- Types, lint, tests ------------------------------------------------------------------------------------------------------------

# Installs system packages that are missing: compilers, linters, browsers.
build/setup: tests/setup.sh c/toolchain.sh
	@tests/setup.sh
	@mkdir -p $(@D) && touch $@

# --ignore-scripts, as newer npm versions want install scripts approved by hand. Only one is needed: it fetches the binary of node@26.
node_modules/.installed: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd node_modules/node && npm_config_loglevel=error node installArchSpecificPackage.js >/dev/null
	@touch $@

types: $(TYPES) ## the TypeScript declarations, from the JSDoc of js/
$(TYPES): $(JS_FILES) js/runtime/environment.d.ts tsconfig.json $(DIST) node_modules/.installed
	@echo "check types, write declarations"
	$(Q)$(BIN)/tsc
	@cp js/runtime/environment.d.ts $(@D)
	@for each in $(@D)/*.d.ts; do \
	  [ $$each = $(@D)/environment.d.ts ] && continue; \
	  { echo '/// <reference path="./environment.d.ts" />'; cat $$each; } >$$each.new && mv $$each.new $$each; \
	done
	@touch $@

# The suites one by one, as each of them uses all cores; Firefox beside Chromium, as both of them wait much.
test: lint test-build test-native sanitize ## lint and every test, as before a commit
	@$(MAKE) --no-print-directory test-node
	@$(MAKE) --no-print-directory test-node26
	@$(MAKE) --no-print-directory test-relaxed
	@$(MAKE) --no-print-directory test-page test-firefox

SUITE_NEEDS := $(DIST) $(TYPES) build/test/kernels.wasm build/test/kernels.relaxed.wasm node_modules/.installed | build/setup
suite = --test --test-concurrency=$(JOBS) --test-reporter=./tests/reporter.js
# What runs kernels, for each further engine and build: most tests of the package and of its commands do not.
ENGINE_TESTS = $(filter-out tests/package/% tests/models/regression.test.js tests/models/speed.test.js,$(TESTS)) \
  tests/package/wasm.test.js tests/package/worker.test.js
# Reading text, and refusing files, runs no kernel.
RELAXED_TESTS = $(filter-out tests/text/text.test.js tests/text/hashes.test.js tests/fuzz/targets.test.js tests/import/broken.test.js \
  tests/import/onnx-broken.test.js tests/import/pickle.test.js tests/import/tokenizer-pickle.test.js,$(ENGINE_TESTS))
test-node: $(SUITE_NEEDS) ## the suite on this machine's Node, fixed-order build
	@echo "the suite on this machine's Node ($$(node --version)), fixed-order build"
	@PADLESS_SIMD=baseline node $(suite) $(TESTS)
test-node26: $(SUITE_NEEDS) ## the suite on Node 26, fixed-order build
	@echo "the suite on Node 26, fixed-order build"
	@PADLESS_SIMD=baseline $(NODE26) $(suite) $(ENGINE_TESTS) tests/package/tarball.test.js
test-relaxed: $(SUITE_NEEDS) ## the suite on Node 26, relaxed build
	@echo "the suite on Node 26, relaxed build"
	@PADLESS_SIMD=relaxed $(NODE26) $(suite) $(RELAXED_TESTS)
test-one: $(SUITE_NEEDS) ## one file on this machine's Node, fixed-order build: make test-one T=tests/text/text.test.js
	@[ -f "$(T)" ] || { echo "padless: T is '$(T)', expected a test file: make test-one T=tests/text/text.test.js" >&2; exit 1; }
	@PADLESS_SIMD=baseline $(if $(filter tests/firefox/%,$(T)),$(NODE26),node) $(suite) $(T)
test-page: $(SUITE_NEEDS) tests/page/react/node_modules/.installed ## the page, and web/examples, in headless Chromium
	@echo "the page in headless Chromium"
	@node $(suite) $(PAGE_TESTS)
tests/page/react/node_modules/.installed: tests/page/react/package-lock.json
	@echo "fetching React for the test of an example"
	$(Q)cd tests/page/react && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
test-bundlers: $(SUITE_NEEDS) ## the packed package in projects of every bundler and runtime; fetches many packages. ONLY='vite next' names some
	@node tests/bundlers/run.js $(ONLY)
# What two machines with the same tools build has the same bytes: compares js/dist with a build in another folder.
test-build: $(DIST) $(TYPES) ## builds again in build/again, from nothing, and compares every byte with js/dist
	@rm -rf build/again && mkdir -p build/again
	@git ls-files -z | tar --null -T - -cf - | tar -xf - -C build/again && ln -s ../../node_modules build/again/node_modules
	@$(MAKE) -s -C build/again wasm types >build/again.log 2>&1 || { tail build/again.log; exit 1; }
	@diff -r js/dist build/again/js/dist && diff -r js/page/padless build/again/js/page/padless && echo "two builds give the same bytes"
	@rm -rf build/again

# Pinned. attw reads no tarball with a newer fflate. Excluded are the wasm and the script, which have no types.
lint-package: $(DIST) $(TYPES) ## the packed package by publint and are-the-types-wrong; npx fetches them
	@mkdir -p build && npm pack --ignore-scripts --loglevel=error --pack-destination build >/dev/null
	@npx --yes publint@0.3.15 run build/padless-*.tgz
	@npx --yes -p @arethetypeswrong/cli@0.18.2 -p fflate@0.8.2 attw build/padless-*.tgz --profile esm-only \
	  --exclude-entrypoints padless.min.js padless.wasm padless.relaxed.wasm
	@rm build/padless-*.tgz

test-firefox: $(SUITE_NEEDS) ## kernels, models, importers, text and the page in headless Firefox; FIREFOX= names another binary
	@echo "kernels, models, importers, text and the page in headless Firefox"
	@$(NODE26) $(suite) $(FIREFOX_TESTS)

coverage: coverage-c coverage-js ## coverage of each file: c/ by the native kernel tests, js/ by the suite or by the test file T=

build/coverage/kernels: $(call objects,coverage,$(KERNEL_TESTS))
	$(Q)clang $(COVERAGE) $^ -lm -o $@
coverage-c: build/coverage/kernels
	@command -v llvm-cov >/dev/null && command -v llvm-profdata >/dev/null || c/toolchain.sh packages llvm
	@LLVM_PROFILE_FILE=$<.profraw ./$< >$<.tap 2>&1 || { grep -v '^ok' $<.tap; exit 1; }
	@llvm-profdata merge -sparse $<.profraw -o $<.profdata
	@llvm-cov report $< -instr-profile=$<.profdata -show-region-summary=0 $(CORE)

# Counts code in programs and workers that tests start, but not in pages.
coverage-js: $(SUITE_NEEDS)
	@mkdir -p build/coverage
	@PADLESS_SIMD=baseline $(NODE26) $(suite) --test-reporter-destination=stdout --test-reporter=lcov \
	  --test-reporter-destination=build/coverage/js.lcov --experimental-test-coverage --test-coverage-include='js/**/*.js' \
	  --test-coverage-exclude='js/dist/**' $(or $(T),$(TESTS))
	@awk -F: ' \
	  function percent(hit, all) { return all ? sprintf("%6.1f%%", 100 * hit / all) : "      -" } \
	  function row(name, l, L, b, B) { printf "%-28s %5d of %5d lines %s %5d of %5d branches %s\n", name, l, L, percent(l, L), b, B, percent(b, B) } \
	  /^SF:/ { name = $$2 } /^LF:/ { L = $$2 } /^LH:/ { l = $$2 } /^BRF:/ { B = $$2 } /^BRH:/ { b = $$2 } \
	  /^end_of_record/ { row(name, l, L, b, B); tl += l; tL += L; tb += b; tB += B; l = L = b = B = 0 } \
	  END { row("all", tl, tL, tb, tB) }' build/coverage/js.lcov

lint: lint-c lint-js ## clang-format, clang-tidy, prettier, eslint, tsc; fails at any finding
# The analyzer takes most of the time; it looks at the core alone.
lint-c: $(patsubst %.c,build/lint/%.ok,$(KERNEL_TESTS) tests/fuzz/kernels.c) | build/setup
	@echo "clang-format"
	$(Q)clang-format --dry-run --Werror $(C_FILES)
build/lint/%.ok: %.c .clang-tidy $(filter %.h,$(C_FILES)) | build/setup
	@mkdir -p $(@D) && echo "clang-tidy $<"
	@clang-tidy --quiet $(if $(filter $(CORE),$<),,--checks=-clang-analyzer-*) $< -- $(CFLAGS) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@
lint-js: $(TYPES) node_modules/.installed
	@echo "prettier, eslint, tsc"
	$(Q)$(BIN)/prettier --check --log-level warn .
	$(Q)$(BIN)/eslint --max-warnings 0 .
	$(Q)$(BIN)/tsc -p web

format: node_modules/.installed | build/setup ## clang-format and prettier, in place
	$(Q)clang-format -i $(C_FILES)
	$(Q)$(BIN)/prettier --write --log-level warn .

model-packages: wasm types ## each shipped model as an npm package of its own, packed into build/packages
	@rm -rf build/packages && node web/models/packages.js build/packages
	@for each in build/packages/*/; do npm pack --loglevel=error --pack-destination build/packages ./$$each; done

demo: wasm ## serves the page and prints its address; PORT= sets the port
	@node web/serve.js

# VitePress and TypeDoc are packages of their own: TypeDoc wants an older TypeScript than the types do.
site: wasm web/site/node_modules/.installed node_modules/.installed ## the documentation as pages, with the demo: build/site; SITE= is the address that they will have
	@SITE="$(or $(SITE),http://localhost/)" node web/site/build.js
test-site: site | build/setup ## the pages of `make site` in headless Chromium: links, search, demo, reference, axe-core
	@node $(suite) $(SITE_TESTS)
web/site/node_modules/.installed: web/site/package-lock.json
	@echo "fetching VitePress and TypeDoc"
	$(Q)cd web/site && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

survives: wasm peers ## what padding does to one model in several engines: web/docs/survives.md; KERAS=, TORCH= and TENSORFLOW= name Pythons that have these
	@KERAS="$(KERAS)" TORCH="$(TORCH)" TENSORFLOW="$(TENSORFLOW)" node tests/survives/run.js

# Random models of other frameworks and what the frameworks answer: N models from SEED on. pip installs the framework, several GB.
N ?= 500
SEED ?= 1
KERAS_VERSIONS ?= 3.15 3.5 2.15
fuzz-keras: $(DIST) node_modules/.installed $(KERAS_VERSIONS:%=build/fuzz/keras-%/.installed) ## N=500 random models of each Keras (KERAS_VERSIONS=) from SEED=1 on, compared with Keras
	@rm -rf $(KERAS_VERSIONS:%=build/fuzz/keras-%/models)
	@for version in $(KERAS_VERSIONS); do \
	  build/fuzz/keras-$$version/bin/python -W ignore tests/fuzz/keras/make_models.py build/fuzz/keras-$$version/models $(N) $(SEED) || exit 1; \
	  build/fuzz/keras-$$version/bin/python -W ignore tests/fuzz/keras/make_lookups.py build/fuzz/keras-$$version/models $$(($(N) / 10)) $(SEED) || exit 1; \
	done
	@node tests/fuzz/keras/compare.js $(KERAS_VERSIONS:%=build/fuzz/keras-%/models)
keras-cases: $(DIST) node_modules/.installed $(KERAS_VERSIONS:%=build/fuzz/keras-%/.installed) ## makes the random Keras models that are stored as tests again
	@rm -rf build/fuzz/keras-cases build/fuzz/keras-lookups
	@for version in $(KERAS_VERSIONS); do for seed in 300 301 302; do \
	  build/fuzz/keras-$$version/bin/python -W ignore tests/fuzz/keras/make_models.py build/fuzz/keras-cases/$$version-$$seed 60 $$seed || exit 1; \
	  build/fuzz/keras-$$version/bin/python -W ignore tests/fuzz/keras/make_lookups.py build/fuzz/keras-lookups/$$version-$$seed 50 $$seed || exit 1; \
	done; done
	@node tests/fuzz/keras/store.js tests/import/keras-cases.br 300 build/fuzz/keras-cases/*
	@node tests/fuzz/keras/store.js tests/import/lookup-cases.br 60 build/fuzz/keras-lookups/*
build/fuzz/keras-%/.installed: tests/fuzz/keras/requirements-%.txt
	@echo "fetching Keras $* for build/fuzz/keras-$*"
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install --quiet --requirement $<
	@touch $@
fuzz-torch: $(DIST) node_modules/.installed build/fuzz/torch/.installed ## N=500 random PyTorch stacks from SEED=1 on, compared with PyTorch
	@rm -rf build/fuzz/torch-cases
	@build/fuzz/torch/bin/python -W ignore tests/fuzz/torch/make_cases.py build/fuzz/torch-cases $(N) $(SEED)
	@node tests/fuzz/torch/compare.js build/fuzz/torch-cases
build/fuzz/torch/.installed: tests/fuzz/torch/requirements.txt
	@echo "fetching PyTorch for build/fuzz/torch"
	$(Q)python3 -m venv build/fuzz/torch && build/fuzz/torch/bin/pip install --quiet --requirement $<
	@touch $@
fuzz-onnx: $(DIST) peers build/fuzz/onnx/.installed ## N=500 random ONNX graphs from SEED=1 on, compared with onnxruntime
	@rm -rf build/fuzz/onnx-models
	@build/fuzz/onnx/bin/python tests/fuzz/onnx/make_models.py build/fuzz/onnx-models $(N) $(SEED)
	@node tests/fuzz/onnx/compare.js build/fuzz/onnx-models
build/fuzz/onnx/.installed: tests/fuzz/onnx/requirements.txt
	@echo "fetching onnx and onnxruntime for build/fuzz/onnx"
	$(Q)python3 -m venv build/fuzz/onnx && build/fuzz/onnx/bin/pip install --quiet --requirement $<
	@touch $@

FUZZ_SECONDS ?= 60
fuzz: $(DIST) node_modules/.installed ## changed files of every format, hostile texts, padding: FUZZ_SECONDS=60 in all; goes on where it stopped. NAME= a part of a target's name
	@node tests/fuzz/run.js $(FUZZ_SECONDS) $(NAME)

soak: $(DIST) node_modules/.installed ## a million predictions, ten thousand loads, a thousand workers: nothing stays behind
	@$(NODE26) --expose-gc tests/soak/run.js

MUTANTS ?= 200
mutants: $(SUITE_NEEDS) build/native/clang/kernels ## changes MUTANTS=200 places of js/ and c/, one at a time, and lists what no test notices; resumes. FILTER= part of a file name
	@node tests/mutants/run.js $(MUTANTS) $(SEED) $(FILTER)

peers: node_modules/.installed tests/bench/peers/node_modules/.installed ## installs the engines that padless is compared with: onnxruntime, TF.js, LiteRT.js
tests/bench/peers/node_modules/.installed: tests/bench/peers/package-lock.json
	@echo "fetching the peers: onnxruntime-node, TF.js, LiteRT.js"
	$(Q)cd tests/bench/peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Reads test texts, so it is run to report, never to choose: BENCHMARK= names the folder that holds langid-benchmark, pos-en-ewt, cls-en-clinc150 and
# pos-zh-gsdsimp. MODEL= one of langid, tagger, intents, words-zh.
BENCHMARK ?= ../shared/data
MODEL ?= langid tagger intents words-zh
models-bench: $(DIST) tests/bench/models/node_modules/.installed ## the models beside what npm has: tables and plots of their cards
	$(Q)for model in $(MODEL); do node tests/bench/models/$$model.js $(BENCHMARK) || exit 1; done
	$(Q)node tests/bench/models/plots.js
tests/bench/models/node_modules/.installed: tests/bench/models/package-lock.json
	@echo "fetching what the models are compared with"
	$(Q)cd tests/bench/models && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean: ## removes build/, js/dist/ and js/page/padless/; keeps npm packages
	rm -rf build js/dist $(dir $(WORKER))

-include $(shell find build -name '*.d' 2>/dev/null)
