using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead dashboard</c>: prints a link to the dashboard of the running instance that carries a one-time code, so that it may also steer.</summary>
internal static class DashboardCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("dashboard", "Prints a link to the dashboard of the running instance. It works once, for 10 minutes.\nExample: fairlead dashboard") { json, instance };
        command.SetAction((parsed, _) => InstanceClient.RunAsync(instance.Of(parsed), async client =>
        {
            var (answer, exitCode) = await client.PostAsync("/api/v1/dashboard/codes", "{}", asAdmin: true).ConfigureAwait(false);
            if (exitCode == ExitCodes.Ok)
            {
                var link = new Uri(client.Url, PsCommand.Text(answer, "path"));
                Terminal.Current.Line(parsed.GetValue(json) ? JsonSerializer.Serialize(new { url = link, expiresAt = PsCommand.Text(answer, "expiresAt") }, JsonSerializerOptions.Web) : link.AbsoluteUri);
            }

            return exitCode;
        }));
        return command;
    }
}
