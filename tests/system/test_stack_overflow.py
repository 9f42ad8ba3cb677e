"""A handler that runs out of stack ends the process in its guard, and the log names plugin and method."""

import re
import signal

import grpc
import pytest
from echo_host import PRESET, EchoHost


@pytest.mark.skipif(PRESET != "dev", reason="a sanitizer has a report of its own")
@pytest.mark.parametrize("is_wide", [False, True], ids=["narrow", "wide"])
def test_an_overflow_is_named(folder, is_wide):
    import echo_pb2
    host = EchoHost(folder / f"overflow-{is_wide}")
    with host.channel() as channel:
        call = host.stub(channel).Overflow.future(echo_pb2.OverflowRequest(is_wide=is_wide))
        assert host.wait_end() == -signal.SIGSEGV
        assert call.code() == grpc.StatusCode.UNAVAILABLE
    assert re.search('stack overflow in a fiber.* operation="/atlas.test.v1.Echo/Overflow" plugin=echo', host.log())
