using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead reload</c>: makes the running instance load its configuration again, and shows what changed.</summary>
internal static class ReloadCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command(
            "reload", "Loads the configuration of the running instance again, and waits until the changes are in force. An instance does so by itself when its file changes.\nExample: fairlead reload") { json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var (status, exitCode) = await client.PostAsync("/api/v1/configuration/reload", "{}", asAdmin: true).ConfigureAwait(false);
            if (exitCode != ExitCodes.Ok)
            {
                var isRefused = status.ValueKind == JsonValueKind.Object && PsCommand.Text(status, "title") == nameof(InvalidConfiguration);
                return isRefused ? ExitCodes.Configuration : exitCode;
            }

            var failed = status.GetProperty("differences").GetProperty("failed").GetArrayLength();
            if (parsed.GetValue(json))
            {
                Terminal.Current.Line(status.GetRawText());
            }
            else
            {
                Show(status);
            }

            return failed == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }));
        return command;
    }

    private static void Show(JsonElement status)
    {
        var terminal = Terminal.Current;
        foreach (var warning in status.GetProperty("warnings").EnumerateArray())
        {
            terminal.Error($"warning: {CellText.Clean($"{PsCommand.Text(warning, "key")}: {PsCommand.Text(warning, "rule")} {PsCommand.Text(warning, "fix")}")}");
        }

        var differences = status.GetProperty("differences");
        foreach (var (member, sign, colour) in new[] { ("added", "+", Colour.Green), ("removed", "-", Colour.Red), ("changed", "~", Colour.Yellow) })
        {
            foreach (var id in differences.GetProperty(member).EnumerateArray())
            {
                terminal.Line(terminal.Paint(colour, $"{sign} {CellText.OneLine(id.ToString())}") + $"  {member}");
            }
        }

        foreach (var failure in differences.GetProperty("failed").EnumerateArray())
        {
            terminal.Error($"! {CellText.OneLine(PsCommand.Text(failure, "id"))}  {CellText.OneLine(PsCommand.Text(failure, "reason"))}");
        }

        if (differences.GetProperty("needRestart") is var keys && keys.GetArrayLength() != 0)
        {
            terminal.Error($"warning: in force only after a restart of Fairlead (fairlead down, fairlead up): {string.Join(", ", keys.EnumerateArray())}");
        }

        terminal.Line($"{differences.GetProperty("unchanged").GetArrayLength()} unchanged.");
    }
}
