using System.Globalization;

namespace Fairlead.Load;

/// <summary>The `--name value` pairs of the command line.</summary>
internal sealed class LoadArguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <exception cref="BenchFailedException">A word is not a `--name`, or a name has no value.</exception>
    public LoadArguments(string[] words)
    {
        for (var i = 0; i < words.Length; i += 2)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == words.Length)
            {
                throw new BenchFailedException($"'{words[i]}' is not understood; options are written --name value");
            }

            _values[words[i]] = words[i + 1];
        }
    }

    /// <exception cref="BenchFailedException">The value is not a whole number.</exception>
    public int Number(string name, int fallback)
    {
        if (!_values.TryGetValue(name, out var text))
        {
            return fallback;
        }

        return int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : throw new BenchFailedException($"{name} '{text}' is not a whole number");
    }

    public string Text(string name, string fallback) => _values.GetValueOrDefault(name, fallback);

    /// <summary>Prints what the program can do.</summary>
    /// <returns>64, the exit code for a wrong command line.</returns>
    public static int Usage()
    {
        Console.Error.WriteLine("""
            usage: fairlead-load bare [--port N] [--payload BYTES] [--method call|list] [--answers json|sse] [--tools 1]
                       the bare web server; prints {"event":"listening","url":...}
                   fairlead-load road [--rounds 5] [--seconds 5] [--root DIR] [--target gateway|bare] [--base DIR] [--guards unsampled|traced] [--connections 1,16,64]
                       calls per second and latency, through the gateway beside the bare web server; --target bare checks the measuring itself;
                       --base holds the gateway against that of another checkout, built there: before and after a change;
                       --guards holds it, with limits, breaker, metrics, audit of calls and tracing on, against one with all of them off
                   fairlead-load load [--scenarios A,B] [--list yes] [--rounds 5] [--milliseconds 5000] [--warm-up 3000] [--url URL] [--file FILE] [--out DIR] [--root DIR]
                       the scenarios of bench/scenarios.json: Fairlead beside other gateways, in closed loop or at a fixed rate; a table, load.json and load.html;
                       --url adds any MCP endpoint that offers a tool echo
                   fairlead-load idle [--count 900] [--root DIR]
                       memory of an idle connection, a legacy session and a listen stream
                   fairlead-load inprocess [--rounds 5] [--milliseconds 1000] [--batch 1000] [--root DIR]
                       calls inside one process: one at a time on one core, batches over all of them, beside the tool object itself and an in-process server
                   fairlead-load scale [--steps 1000,2000,5000,10000] [--rate 500] [--seconds 5] [--servers 1000] [--rounds 3] [--root DIR]
                       memory and latency with many connections and listen streams open; registration of many servers
                   fairlead-load large [--megabytes 1000] [--rounds 5] [--answers json,sse] [--root DIR]
                       one large result over HTTP, through the gateway beside the server itself: megabytes a second, and the memory of the gateway
                   fairlead-load large-http [--answers json|sse]
                       its server, to be tried by hand
                   fairlead-load echo-http [--era dual|modern|legacy] [--answers json|sse] [--tools 1], forward --to URL
                       servers of the scenarios, to be tried by hand
                   fairlead-load bytes [--calls 10000] [--root DIR]
                       bytes that a call allocates, through the gateway beside the bare web server
                   fairlead-load parked [--calls 1000] [--root DIR]
                       memory of a call that waits for its client's input
                   fairlead-load python [--rounds 5] [--seconds 2] [--in-flight 200] [--python python3] [--root DIR]
                       calls of a tool in the process from Python, beside .NET
                   fairlead-load rest [--servers 8] [--starts 5] [--idle-seconds 20] [--program published|plain|FILE] [--root DIR]
                       start to first answer, memory at rest and idle CPU; of the program that eng/publish.sh made, or of the plain build
                   fairlead-load record [--root DIR]
                       makes what was measured last the record: bench/results, the tables of the docs, bench/claims.json
            """);
        return 64;
    }
}
