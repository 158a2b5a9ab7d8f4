using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class ChildExitTests
{
    [Theory]
    [InlineData(137, "SIGKILL")]
    [InlineData(143, "SIGTERM")]
    [InlineData(139, "SIGSEGV")]
    [InlineData(0, null)]
    [InlineData(3, null)]
    [InlineData(128, null)]
    [InlineData(255, null)]
    public void SignalOf_ShellStyleCode_NamesTheSignal(int code, string? expected) => Assert.Equal(expected, ChildExit.SignalOf(code));

    [Fact]
    public void ToString_WithStderr_TellsCodeTimeAndLastLines() => Assert.Equal(
        "exited with code 3 after 1.5 s; last lines of stderr:\na\nb", new ChildExit(3, null, TimeSpan.FromSeconds(1.5), ["a", "b"]).ToString());

    [Fact]
    public void ToString_OfASilentKilledChild_SaysSo() => Assert.Equal(
        "was ended by SIGKILL after 0.0 s; it wrote nothing to stderr", new ChildExit(137, "SIGKILL", TimeSpan.Zero, []).ToString());
}
