using System.Text;
using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class ScriptInterpreterTests
{
    [Theory]
    [InlineData("#!/bin/sh\nexit 0\n", "/bin/sh", null)]
    [InlineData("#! /bin/sh -e\n", "/bin/sh", null)]
    [InlineData("#!/usr/bin/env node\n", "/usr/bin/env", "node")]
    [InlineData("#!/usr/bin/env -S node --x\n", "/usr/bin/env", null)]
    [InlineData("#!/usr/bin/env A=1 node\n", "/usr/bin/env", null)]
    [InlineData("#!/bin/sh\r\n", "/bin/sh\r", null)]
    public void Parse_OfAScript_NamesTheInterpreter(string head, string path, string? program) =>
        Assert.Equal(new ScriptInterpreter(path, program), ScriptInterpreter.Parse(Encoding.UTF8.GetBytes(head)));

    [Theory]
    [InlineData("")]
    [InlineData("\u007fELF")]
    [InlineData("#!\n")]
    [InlineData("#!/a/line/without/end")]
    public void Parse_OfAnythingElse_IsNull(string head) => Assert.Null(ScriptInterpreter.Parse(Encoding.UTF8.GetBytes(head)));
}
