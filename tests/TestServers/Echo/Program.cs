using Fairlead.TestServers.Echo;

// The fast MCP server of the measurements: stdio only, raw bytes, no SDK.
//   echo-server [--era legacy|modern|dual]
var era = Era.Dual;
for (var i = 0; i < args.Length; i++)
{
    var value = args[i] == "--era" && i + 1 < args.Length ? args[++i] : null;
    if (!Enum.TryParse(value, ignoreCase: true, out era) || !Enum.IsDefined(era))
    {
        Console.Error.WriteLine($"echo-server: '{string.Join(' ', args)}' is not understood. Usage: echo-server [--era legacy|modern|dual]");
        return 64;
    }
}

using var input = Console.OpenStandardInput();
using var output = Console.OpenStandardOutput();
new EchoServer(era).Run(input, output);
return 0;
