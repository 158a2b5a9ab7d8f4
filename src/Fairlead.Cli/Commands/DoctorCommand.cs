using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using Fairlead.Cli.Diagnosis;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead doctor</c>: finds the usual mistakes and says how to mend each.</summary>
internal static class DoctorCommand
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var state = CommonOptions.State();
        var json = CommonOptions.Json();
        var command = new Command("doctor", "Looks for the usual mistakes and says how to mend each. Starts no server.\nExample: fairlead doctor") { config, state, json };
        command.SetAction(async (parsed, _) =>
        {
            var findings = await RunAsync(parsed.GetValue(config), parsed.GetValue(state)).ConfigureAwait(false);
            Show(findings, Terminal.Current, parsed.GetValue(json));
            return findings.Any(static finding => finding.Verdict == Verdict.Fail) ? ExitCodes.Unhealthy : ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<IReadOnlyList<Finding>> RunAsync(string? config, string? state)
    {
        var loaded = ConfigCommand.Load(config);
        var at = Surroundings.OfProcess(state ?? loaded.Options.StateFolder);
        var instance = InstanceFile.Find(at.StateFolder, out var remark);
        Finding[] findings =
        [
            new("fairlead", Verdict.Ok, $"Fairlead {Program.Version}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}"),
            .. ConfigurationChecks.Run(loaded, at),
            .. new ProgramChecks(at, ProgramChecks.AskVersion).Run(loaded.Options.Servers),
            .. NetworkChecks.Ports(loaded.Options, instance),
            .. NetworkChecks.Proxies(at.Environment),
            .. StateChecks.Run(at.StateFolder, instance, remark),
            .. await InstanceChecks.RunAsync(instance, Program.Version, StateFolder.ReadToken(at.StateFolder)).ConfigureAwait(false),
            .. ClientChecks.Run(at, instance is null ? loaded.Options.Port : new Uri(instance.Url).Port),
        ];
        return [.. findings.Select(finding => finding with { Found = loaded.Redactor.Redact(finding.Found), Mend = loaded.Redactor.Redact(finding.Mend) })];
    }

    private static void Show(IReadOnlyList<Finding> findings, Terminal terminal, bool isJson)
    {
        var verdict = findings.Max(static finding => finding.Verdict);
        if (isJson)
        {
            terminal.Line(JsonSerializer.Serialize(
                new
                {
                    verdict = Word(verdict),
                    findings = findings.Select(static finding => new { check = finding.Check, server = finding.Server, verdict = Word(finding.Verdict), found = finding.Found, mend = finding.Mend }),
                },
                s_json));
            return;
        }

        var width = findings.Max(static finding => Label(finding).Length);
        foreach (var finding in findings)
        {
            var colour = finding.Verdict switch { Verdict.Ok => Colour.Green, Verdict.Warn => Colour.Yellow, _ => Colour.Red };
            terminal.Line($"{terminal.Paint(colour, CellText.Pad(Word(finding.Verdict), 4))}  {CellText.Pad(Label(finding), width)}  {CellText.OneLine(finding.Found)}");
            if (finding is { Mend: { } mend, Verdict: not Verdict.Ok })
            {
                terminal.Line($"{new string(' ', 8 + width)}-> {CellText.OneLine(mend)}");
            }
        }

        var counts = Enum.GetValues<Verdict>().Select(word => $"{findings.Count(finding => finding.Verdict == word)} {Word(word)}");
        terminal.Line(string.Join(", ", counts) + ".");
    }

    private static string Label(Finding finding) => finding.Server is null ? finding.Check : $"{finding.Check} {finding.Server}";

    private static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();
}
