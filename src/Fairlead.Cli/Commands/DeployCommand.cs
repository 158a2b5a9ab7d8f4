using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead deploy FILE|-</c> and <c>fairlead undeploy SERVER</c>: servers beside those of the configuration file, which come back after a restart.</summary>
internal static class DeployCommand
{
    private const string StandardInput = "-";

    private static readonly JsonDocumentOptions s_reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The command that adds or changes one.</summary>
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A file with one server as it would stand in the configuration, its name included; - reads it from standard input." };
        var replace = new Option<bool>("--replace") { Description = "Change the server of this name, which serves on until the changed one is ready." };
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command(
            "deploy", "Adds a server to the running instance. It is kept, and comes back after a restart; write secrets as ${NAME}.\nExample: fairlead deploy wiki.json\nExample: echo '{\"name\":\"wiki\",\"url\":\"https://wiki.example/mcp\"}' | fairlead deploy -")
        {
            file, replace, json, instance,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string entry;
            try
            {
                entry = parsed.GetValue(file) == StandardInput
                    ? await Console.In.ReadToEndAsync(cancellationToken).ConfigureAwait(false)
                    : await File.ReadAllTextAsync(parsed.GetValue(file)!, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return InstanceClient.Fail(ExitCodes.Usage, $"{parsed.GetValue(file)} cannot be read: {exception.Message} Name a file with one server, or - to read it from standard input.");
            }

            return await InstanceClient.RunAsync(instance.Of(parsed), client => SendAsync(client, entry, parsed.GetValue(replace), parsed.GetValue(json))).ConfigureAwait(false);
        });
        return command;
    }

    /// <summary>The command that removes one.</summary>
    public static Command CreateUndeploy()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("undeploy", "Removes a server that was added with fairlead deploy. Calls in flight may end, then its processes end.\nExample: fairlead undeploy wiki") { server, json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var name = parsed.GetValue(server)!;
            var (_, exitCode) = await client.DeleteAsync(FleetCommands.PathOf(name), asAdmin: true).ConfigureAwait(false);
            if (exitCode == ExitCodes.Ok)
            {
                Terminal.Current.Line(parsed.GetValue(json) ? JsonSerializer.Serialize(new { undeployed = name }) : $"{CellText.OneLine(name)} is gone.");
            }

            return exitCode;
        }));
        return command;
    }

    private static async Task<int> SendAsync(InstanceClient client, string entry, bool replaces, bool asJson)
    {
        string? name = null;
        if (replaces && (name = NameIn(entry)) is null)
        {
            return InstanceClient.Fail(ExitCodes.Usage, "--replace needs to know which server: give the entry a \"name\".");
        }

        var (server, exitCode) = await (name is null
            ? client.PostAsync("/api/v1/servers", entry, asAdmin: true)
            : client.PutAsync(FleetCommands.PathOf(name), entry, asAdmin: true)).ConfigureAwait(false);
        if (exitCode == ExitCodes.Ok)
        {
            FleetCommands.Tell(server, asJson);
        }
        else if (!replaces && server.ValueKind == JsonValueKind.Object && PsCommand.Text(server, "title") == nameof(AlreadyExists))
        {
            Terminal.Current.Error("fairlead deploy --replace changes a server that was deployed before.");
        }

        return exitCode;
    }

    private static string? NameIn(string entry)
    {
        try
        {
            using var document = JsonDocument.Parse(entry, s_reading);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
        }
        catch (JsonException)
        {
            // The instance says what is wrong with it, and where.
            return null;
        }
    }
}
