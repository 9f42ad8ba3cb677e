"""What can be wrong with a plugin, as its author sees it: `atlas plugin info`, `check` and `run` each say in one
line which plugin, what is wrong with it and what to do."""

import os
import re
import shutil
import signal
import subprocess

import broken_plugins as broken
import paths
import plugin_files
import ports
import pytest
from host import Host
from wait import wait_until

PRESET = os.environ.get("ATLAS_PRESET", "dev")
_CONFIG = """processes = ( {{ name = "main"; loops = 1; plugins = [ "echo"{others} ]; }} );
run_dir = "run";
kafka = {{ brokers = "{brokers}"; }};
listeners = ( {listeners} );
plugins = {{ echo = {{ path = "{path}"; config = {{ {config} }}; }}; {more} }};
"""
_CONSUMER = """static atlas_status_t take(struct atlas_call *call, const struct atlas_kafka_record *const *records,
                           size_t count, atlas_status_t *statuses)
{ (void)call, (void)records, (void)count, (void)statuses; return ATLAS_OK; }
static const struct atlas_consumer consumers[] = {{.size = sizeof consumers[0], .name = "all", .topic_key = "topic",
                                                   .group = "echo", .handle = take}};
"""
_METRIC = """static const struct atlas_metric metrics[] = {{.size = sizeof metrics[0], .name = "%s", .help = "A count."}};
"""
_SCHEMA = "static const struct atlas_pg_schema schema = {.size = sizeof schema};\n"


_METHODS = """static atlas_status_t run(struct atlas_call *call) { (void)call; return ATLAS_OK; }
static const struct atlas_method methods[] = {%s};
static const struct atlas_service service = {.size = sizeof service, .method_count = %d, .name = "a.b.C",
                                             .methods = methods};
static const struct atlas_service *const services[] = {&service};
"""
_METHOD = '{.size = sizeof(struct atlas_method), .flags = %d, .name = "Do", .handle = run},'


def _serving(flags, *more):
    methods = [_METHOD % each for each in (flags, *more)]
    return _compiled(lines="service a.b.C\n", code=_METHODS % ("".join(methods), len(methods)),
                     members=".services = services, .service_count = 1")


def _keeping(migrations="", statements="", flags=0):
    """A plugin with a schema of its own."""
    code = ""
    members = f".flags = {flags}"
    for name, kind, elements in (("migrations", "migration", migrations), ("statements", "statement", statements)):
        if elements:
            code += f"static const struct atlas_pg_{kind} {name}[] = {{{elements}}};\n"
            members += f", .{name} = {name}, .{kind}_count = sizeof {name} / sizeof {name}[0]"
    code += f"static const struct atlas_pg_schema schema = {{.size = sizeof schema, {members}}};\n"
    return _compiled(lines="requires atlas.postgres/1\n", code=code, members=".postgres = &schema")


def _migration(number=1, since="1.0.0"):
    return (f'{{.size = sizeof(struct atlas_pg_migration), .number = {number}, .name = "begin", .sql = "SELECT 1", '
            f'.compatible_since = "{since}"}},')


def _statement(flags="ATLAS_PG_READ", columns="ATLAS_PG_NO_TYPES", sql='"SELECT 1"'):
    return f'ATLAS_PG_STATEMENT("find", {flags}, {sql}, ATLAS_PG_NO_TYPES, {columns}),'


def _built(_):
    return plugin_files.built("echo", PRESET)


def _text(target):
    target.write_text("hello, I am a text that is long enough to be looked at, and no ELF file at all\n")
    return target


def _empty(target):
    target.touch()
    return target


def _folder(target):
    target.mkdir()
    return target


def _patched(old, new):
    return lambda target: plugin_files.patched(_built(None), target, old, new)


def _compiled(**what):
    return lambda target: broken.compiled(target, **what)


def _calling(declaration, call):
    return lambda target: broken.calling(target, declaration, call)


# name: (how to make it, what info says or None if it cannot know, what check and run say)
FILES = {
    "absent": (lambda target: target, "check the plugin's path and plugin_path"),
    "folder": (_folder, "is no regular file"),
    "empty": (_empty, "it is too short; build it with atlas_add_plugin"),
    "text": (_text, "it is no ELF file; build it with atlas_add_plugin"),
    "cut": (lambda target: plugin_files.truncated(_built(None), target), "it is cut off"),
    "program": (broken.executable, "it is no shared object"),
    "32-bit": (lambda target: broken.with_byte(PRESET, target, 4, 1), "it is a 32-bit file, this host is"),
    "big-endian": (lambda target: broken.with_byte(PRESET, target, 5, 2), "it is a big-endian file, this host is"),
    "other machine": (lambda target: broken.with_byte(PRESET, target, 18, 243), "it was built for riscv, this host is"),
    "no entry": (lambda target: plugin_files.without_symbol("echo", target),
                 "does not export atlas_plugin_v1: add ATLAS_PLUGIN_DEFINE"),
    "another ABI": (_patched("\nabi 1.0\n", "\nabi 9.0\n"), "was built for ABI 9.0, this host offers ABI 1.0"),
    "missing interface": (_patched("optional atlas.client/1\n", "requires atlas.clienx/1\n"),
                          "requires the interface atlas.clienx/1, which this host (ABI 1.0) does not offer"),
    "unknown manifest line": (_compiled(lines="serves a.b.C\n"),
                              'manifest line 3: starts with "serves", which this host does not know'),
    "bad manifest key": (_compiled(lines="config greeting text\n"),
                         'manifest line 3: is not "config <key> <type> [default=] [min=] [max=]": type is string'),
    "undefined symbol": (_calling("int nowhere(void);", "nowhere()"), "uses nowhere, which nothing has: compile it"),
    "libm by chance": (_calling("double cos(double);", "(atlas_status_t)cos(1.0)"), "uses cos, which only "),
    "database library": (_calling("int PQconnectdb(void);", "PQconnectdb()"),
                         "calls PQconnectdb: connections, threads, processes and signals are the host's; use"),
    "thread": (_calling("int pthread_create(void);", "pthread_create()"), "calls pthread_create: "),
    "end of the process": (_calling("void exit(int);", "(exit(3), 0)"), "calls exit: connections, threads, processes"),
    "thread key": (_calling("int pthread_key_create(void);", "pthread_key_create()"),
                   "calls pthread_key_create: it would run at the end of a thread"),
    "executable stack": (_compiled(flags=["-Wl,-z,execstack"]), "link with -z noexecstack"),
    "NODELETE": (_compiled(flags=["-Wl,-z,nodelete"]), "link without -z nodelete"),
    "static TLS": (_compiled(code='static __thread int v __attribute__((tls_model("initial-exec")));\n'
                                  "static atlas_status_t ask(const struct atlas_config *c, char *t, size_t n)\n"
                                  "{ (void)c, (void)t, (void)n; return v++; }\n", members=".check = ask"),
                   "compile with -ftls-model=global-dynamic"),
    "undescribed service": (_patched("\nservice atlas.test.v1.Echo\n", "\nservice atlas.test.v1.Ecko\n"),
                            "serves atlas.test.v1.Ecko, which its descriptors do not describe"),
}
LOADED = {
    "lost library": (broken.needing_a_lost_library, "cannot be loaded (liblost.so.1: cannot open shared object file"),
    "consumers without Kafka": (_compiled(lines="config topic string default=t\n", code=_CONSUMER,
                                          members=".consumers = consumers, .consumer_count = 1"),
                                'does not ask for atlas.kafka/1: add the line "requires atlas.kafka/1"'),
    "schema without PostgreSQL": (_compiled(code=_SCHEMA, members=".postgres = &schema"),
                                  'add the line "requires atlas.postgres/1"'),
    "metric of another name": (_compiled(lines="requires atlas.metrics/1\n", code=_METRIC % "other_total",
                                         members=".metrics = metrics, .metric_count = 1"),
                               "name it echo_<what>_<unit>"),
    "service not served": (_compiled(lines="service a.b.C\n"), "serves 0 services, but its manifest names 1"),
    "flags": (_compiled(members=".flags = 8"), "sets flags 0x8"),
    "metric of no kind": (_compiled(lines="requires atlas.metrics/1\n", code=_METRIC % "echo_count",
                                    members=".metrics = metrics, .metric_count = 1"),
                          "a counter's name ends in _total"),
    "method twice": (_serving(0, 0), "method Do of a.b.C is there twice"),
    "method with flags": (_serving(64), "method Do of a.b.C is there twice, or sets flags"),
    "migrations with a gap": (_keeping(_migration() + _migration(3)), "migration 2 begin: has another number: 1, 2, 3"),
    "migration of no version": (_keeping(_migration(since="old")), "its compatible_since is no version like 1.2.3"),
    "migration that locks out": (_keeping(_migration(since="1.0.1")), "is newer than the plugin itself"),
    "statement without SQL": (_keeping(statements=_statement(sql="NULL")), "statement 0 find: needs a name and SQL"),
    "statement of no type": (_keeping(statements=_statement(columns="ATLAS_PG_TYPES(77)")),
                             "a type is no enum atlas_pg_type"),
    "statement with flags": (_keeping(statements=_statement("64")), "statement 0 find: sets flags"),
    "outbox without table": (_keeping(statements=_statement("ATLAS_PG_WRITE | ATLAS_PG_OUTBOX")),
                             "the schema has no outbox: set ATLAS_PG_HAS_OUTBOX"),
    "schema with flags": (_keeping(flags=8), "its schema: sets flags"),
    "outbox without Kafka": (_keeping(flags=1), 'whose events go to Kafka: add the line "requires atlas.kafka/1"'),
}
# name: (how to make it, what check and run say)
CONSUMING = {
    "consumer without a key": (_compiled(lines="requires atlas.kafka/1\n", code=_CONSUMER,
                                         members=".consumers = consumers, .consumer_count = 1"),
                               'consumer "all": its topic "", which the configuration key "topic"'),
    "consumer of no topic": (_compiled(lines="requires atlas.kafka/1\nconfig topic string default=a,b\n",
                                       code=_CONSUMER, members=".consumers = consumers, .consumer_count = 1"),
                             'consumer "all": its topic "a,b"'),
}
# name: (keys under config, other settings, what check and run say)
CONFIGURED = {
    "unknown key": ({"config": "nope = 1;"}, "plugins.echo.config.nope: is not known"),
    "mistyped key": ({"config": 'greetin = "x";'}, 'plugins.echo.config.greetin: is not known: did you mean "greeting"?'),
    "wrong type": ({"config": "greeting = 1;"}, "plugins.echo.config.greeting: is the number 1: give a string in quotes"),
    "no unit": ({"config": "text_limit = 5;"}, 'plugins.echo.config.text_limit: is the number 5: give a size in quotes'),
    "out of bounds": ({"config": 'text_limit = "65GiB";'}, "text_limit: 65GiB is too large: at most 64MiB"),
    "not in plugins": ({"others": ', "other"'}, '"other" is not in the group plugins: add it there'),
}


def _atlas(*arguments, cwd, prefix=()):
    done = subprocess.run([*prefix, paths.atlas_program(PRESET), *arguments], text=True, capture_output=True,
                          check=False, timeout=60, cwd=cwd)
    return done.returncode, done.stdout + done.stderr


def _write(folder, path, **settings):
    keys = {"others": "", "listeners": "", "config": "", "more": "", "brokers": "127.0.0.1:1", **settings}
    (folder / "atlas.cfg").write_text(_CONFIG.format(path=path, **keys))


def _assert_refused(words, *arguments, cwd, names=("echo",)):
    code, said = _atlas(*arguments, cwd=cwd)
    assert code == 1, f"{arguments}: {code}: {said}"
    line = next((line for line in said.splitlines() if words in line), None)
    assert line, f"{arguments}: no '{words}' in: {said}"
    for name in names:
        assert name in line, f"{arguments}: no '{name}' in: {line}"


@pytest.mark.parametrize("name", FILES)
def test_file_is_refused_everywhere(tmp_path, name):
    make, words = FILES[name]
    path = make(tmp_path / "echo.so")
    _write(tmp_path, path)
    _assert_refused(words, "plugin", "info", str(path), cwd=tmp_path, names=(str(path),))
    for command in ("check", "run"):
        _assert_refused(words, command, "-c", "atlas.cfg", cwd=tmp_path, names=(f"plugin echo: {path}",))


@pytest.mark.parametrize("name", LOADED)
def test_what_only_loading_shows_is_refused(tmp_path, name):
    make, words = LOADED[name]
    path = make(tmp_path / "echo.so")
    _write(tmp_path, path)
    assert _atlas("plugin", "info", str(path), cwd=tmp_path)[0] == 0
    for command in ("check", "run"):
        _assert_refused(words, command, "-c", "atlas.cfg", cwd=tmp_path, names=(f"plugin echo: {path}",))


@pytest.mark.parametrize("name", CONSUMING)
def test_consumer_is_refused(tmp_path, name):
    make, words = CONSUMING[name]
    _write(tmp_path, make(tmp_path / "echo.so"))
    for command in ("check", "run"):
        _assert_refused(words, command, "-c", "atlas.cfg", cwd=tmp_path, names=("plugin echo",))


@pytest.mark.parametrize("name", CONFIGURED)
def test_configuration_is_refused(tmp_path, name):
    settings, words = CONFIGURED[name]
    _write(tmp_path, _built(None), **settings)
    for command in ("check", "run"):
        _assert_refused(words, command, "-c", "atlas.cfg", cwd=tmp_path, names=())


def _listener(protocol, service):
    return (f'{{ name = "l"; protocol = "{protocol}"; address = "127.0.0.1:{ports.free_port()}"; '
            f'services = [ "{service}" ]; }}')


# What processes, listeners and plugins say of each other: (plugin "twin", settings, what check and run say).
PLACED = {
    "listener of nobody": (None, {"listeners": ("grpc", "atlas.test.v1.Ecko")},
                           "listeners.l.services: no plugin serves atlas.test.v1.Ecko: correct the name"),
    "REST without options": ("service a.b.C\n", {"listeners": ("rest", "a.b.C")},
                             "plugin twin has no descriptors of a.b.C, which REST needs: name its .proto in PROTOS"),
    "service of two plugins": ("service atlas.test.v1.Echo\n", {},
                               "echo and twin both serve atlas.test.v1.Echo: put one of them into another process"),
    "call to nowhere": ("calls a.b.C\n", {}, "twin calls a.b.C, which no plugin of the process serves"),
}


@pytest.mark.parametrize("name", PLACED)
def test_placement_is_refused(tmp_path, name):
    lines, settings, words = PLACED[name]
    if "listeners" in settings:
        settings = {"listeners": _listener(*settings["listeners"])}
    if lines:
        path = broken.compiled(tmp_path / "twin.so", lines=lines, plugin="twin")
        settings = {**settings, "others": ', "twin"', "more": f'twin = {{ path = "{path}"; }};'}
    _write(tmp_path, _built(None), **settings)
    for command in ("check", "run"):
        _assert_refused(words, command, "-c", "atlas.cfg", cwd=tmp_path, names=())


def test_reload_with_a_wrong_placement_is_refused(tmp_path):
    """As by check; the host goes on as it was."""
    port = ports.free_port()
    admin = f'admin = "127.0.0.1:{port}"; name = "main"'
    good = _CONFIG.replace('name = "main"', admin).format(path=_built(None), others="", listeners="", config="", more="",
                                                                    brokers="")
    (tmp_path / "atlas.cfg").write_text(good)
    host = Host(tmp_path, [tmp_path / "atlas.cfg"], "main", port, preset=PRESET, ends_with_us=True)
    host.start()
    try:
        host.wait_ready()
        (tmp_path / "atlas.cfg").write_text(
            good.replace("listeners = (  )", f"listeners = ( {_listener('grpc', 'atlas.test.v1.Ecko')} )"))
        host.process.send(signal.SIGHUP)
        wait_until(lambda: "reload refused" in host.log.read_text(), "the reload to be refused", 20)
        assert "no plugin serves atlas.test.v1.Ecko" in host.log.read_text()
        assert host.is_ready()
    finally:
        host.process.stop()


def test_a_step_that_fails_without_a_reason_says_at_least_its_status(tmp_path):
    path = broken.compiled(tmp_path / "echo.so", members=".warm = warm", code=(
        "static atlas_status_t warm(struct atlas_call *call) { (void)call; return ATLAS_UNAVAILABLE; }\n"))
    _write(tmp_path, path)
    _assert_refused("warm: it returned UNAVAILABLE and gave no reason", "run", "-c", "atlas.cfg", cwd=tmp_path)


_DEAF = """static atlas_status_t run(struct atlas_call *call)
{ for (;;) { (void)atlas_sleep_ms(call, 1000); } return ATLAS_OK; }
static const struct atlas_background work[] = {{.size = sizeof work[0], .name = "deaf", .interval_key = "every",
                                                .run = run}};
"""
_IN_A_HURRY = """calls = { cleanup_limit = "50ms"; };
reload = { drain_timeout = "100ms"; };
shutdown = { drain_timeout = "100ms"; limit = "2s"; };
"""


def test_background_work_that_does_not_end_holds_up_no_reload(tmp_path):
    path = broken.compiled(tmp_path / "echo.so", lines="config every duration default=1ms\n", code=_DEAF,
                           members=".backgrounds = work, .background_count = 1")
    port = ports.free_port()
    frame = _CONFIG.replace('name = "main"', f'admin = "127.0.0.1:{port}"; name = "main"')

    def configure(config):
        text = frame.format(path=path, others="", listeners="", config=config, more="", brokers="")
        (tmp_path / "atlas.cfg").write_text(text + _IN_A_HURRY)

    configure("")
    host = Host(tmp_path, [tmp_path / "atlas.cfg"], "main", port, preset=PRESET, ends_with_us=True)
    host.start()
    try:
        host.wait_ready()
        configure('every = "2ms";')
        host.process.send(signal.SIGHUP)
        wait_until(lambda: re.search('msg="plugin serves".*generation=2', host.log.read_text()), "the new generation", 20)
        assert re.search('background work does not end.*plugin=echo generation=1 background=deaf', host.log.read_text())
    finally:
        host.process.stop()


_CRASHES = {
    "overflow": ("static int down(volatile char *up)\n{ volatile char room[1024] = {up != 0}; return down(room) + room[0]; }\n",
                 "down(0)", "stack overflow in a fiber; give it more with calls.stack", signal.SIGSEGV),
    "large frame": ("__attribute__((noinline)) static int down(void)\n"
                    "{ volatile char room[3000000]; room[0] = 1; return room[0]; }\n",
                    "down()", "stack overflow in a fiber; give it more with calls.stack", signal.SIGSEGV),
    "NULL": ("static int *volatile nothing;\n", "*nothing", "a fiber crashed", signal.SIGSEGV),
    "abort": ("#include <stdlib.h>\n", "(abort(), 0)", "a fiber crashed", signal.SIGABRT),
}


def _flags_of_the_sdk():
    """What atlas_add_plugin compiles a plugin with."""
    text = (paths.ROOT / "abi/sdk/AtlasPlugin.cmake").read_text()
    return re.search(r"target_compile_options\(\$\{id\} PRIVATE ([^)]*)\)", text)[1].split()


@pytest.mark.skipif(PRESET in ("asan", "tsan"), reason="the sanitizer reports crashes")
@pytest.mark.parametrize("name", _CRASHES)
def test_a_crash_names_what_ran(tmp_path, name):
    code, expression, words, number = _CRASHES[name]
    create = ("static atlas_status_t make(struct atlas_call *call, const struct atlas_config *config, void **ret)\n"
              f"{{ (void)call, (void)config, (void)ret; return {expression}; }}\n")
    path = broken.compiled(tmp_path / "echo.so", code=code + create, members=".create = make",
                           flags=_flags_of_the_sdk())
    _write(tmp_path, path)
    code, said = _atlas("run", "-c", "atlas.cfg", cwd=tmp_path)
    line = next((line for line in said.splitlines() if words in line), None)
    assert code == -number and line, said
    assert 'operation="echo create" plugin=echo' in line, line


def test_kafka_that_is_required_and_not_configured(tmp_path):
    path = broken.compiled(tmp_path / "echo.so", lines="requires atlas.kafka/1\n")
    _write(tmp_path, path, brokers="")
    for command in ("check", "run"):
        _assert_refused("requires atlas.kafka/1", command, "-c", "atlas.cfg", cwd=tmp_path)


def test_plugin_of_another_name_is_refused(tmp_path):
    path = shutil.copy(_built(None), tmp_path / "other.so")
    _write(tmp_path, _built(None), others=', "other"', more=f'other = {{ path = "{path}"; }};')
    for command in ("check", "run"):
        _assert_refused('holds the plugin "echo", but the configuration calls it "other"', command, "-c", "atlas.cfg",
                        cwd=tmp_path)


def test_plugin_of_a_newer_minor_is_welcome(tmp_path):
    path = _patched("\nabi 1.0\n", "\nabi 1.9\n")(tmp_path / "echo.so")
    _write(tmp_path, path)
    code, said = _atlas("plugin", "info", str(path), cwd=tmp_path)
    assert code == 0 and "1.9 (this host: 1.0)" in said
    assert _atlas("check", "-c", "atlas.cfg", cwd=tmp_path)[0] == 0


def test_check_leaves_nothing_behind(tmp_path):
    _write(tmp_path, _built(None))
    assert _atlas("check", "-c", "atlas.cfg", cwd=tmp_path)[0] == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["atlas.cfg"]


def test_run_dir_that_is_mounted_noexec(tmp_path):
    """In a mount namespace of its own."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    _write(tmp_path, _built(None))
    (tmp_path / "run").mkdir()
    for command in ("check", "run"):
        code, said = _atlas(command, "-c", "atlas.cfg", cwd=tmp_path, prefix=(
            "unshare", "-m", "sh", "-c", f"mount -t tmpfs -o noexec none {tmp_path}/run && exec \"$@\"", "sh"))
        assert code == 1 and "is on a file system mounted noexec" in said, said
        assert "set run_dir to a folder on another one" in said, said
