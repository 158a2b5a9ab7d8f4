using System.Globalization;
using System.Runtime.InteropServices;

namespace Fairlead.TestServers.Misbehave;

/// <summary>Modes of servers that answer well and are bad guests: they change without pause, do not leave, or take all there is.</summary>
internal static class BadManners
{
    /// <summary>Changes its list of tools a hundred times a second and says so each time. <c>hello</c> always stays.</summary>
    public static int Restless(string[] arguments)
    {
        var count = 0L;
        var server = Sound();
        server.Capabilities = """{"tools":{"listChanged":true}}""";
        server.Listed = () => ["hello", string.Create(CultureInfo.InvariantCulture, $"tool_{Interlocked.Read(ref count)}")];
        server.Initialized = () => InBackground(() =>
        {
            Interlocked.Increment(ref count);
            server.Output.Line("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
            Pause();
        });
        return server.Run();
    }

    /// <summary>Closes its stdin after the first answer and lives on.</summary>
    public static int Deaf(string[] arguments)
    {
        var server = new LineServer();
        server.Tool("hello", (call, given) =>
        {
            server.AnswerText(call, "hello");
            CloseInput();
            Modes.WaitForEver();
        });
        return server.Run();
    }

    /// <summary>Sound, but stays when its stdin ends and when it is asked to leave.</summary>
    public static int Stubborn(string[] arguments)
    {
        using var signals = Modes.IgnoredSignals();
        var end = Sound().Run();
        Modes.WaitForEver();
        return end;
    }

    /// <summary>
    /// Opens a file every 10 ms, or without pause when told <c>fast</c>, and closes none; when there can be no more it says so and ends with code 6.
    /// </summary>
    public static int Leak(string[] arguments)
    {
        // The console takes files of its own when it is first used: later there may be none.
        Console.Error.WriteLine("leaking");
        var leaked = new List<FileStream>();
        var server = Sound();
        server.Initialized = () => InBackground(() =>
        {
            try
            {
                leaked.Add(new FileStream("/dev/null", FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            }
            catch (IOException)
            {
                // To say it takes some, too.
                var count = leaked.Count;
                leaked.ForEach(static file => file.Dispose());
                Console.Error.WriteLine($"misbehave-server: no file more than {count}");
                Environment.Exit(6);
            }

            if (arguments is not ["fast"])
            {
                Pause();
            }
        });
        return server.Run();
    }

    /// <summary>At a call of <c>hoard</c> it takes memory, up to the MiB of the argument <c>mib</c>, and answers; when it gets no more it says so and ends with code 7.</summary>
    public static int Hoard(string[] arguments)
    {
        const int StepMiB = 8;
        // The console takes memory of its own when it is first used: later there may be none.
        Console.Error.WriteLine("hoarding");
        var hoard = new List<byte[]>();
        var server = Sound();
        server.Tool("hoard", (call, given) =>
        {
            try
            {
                for (var mib = given.GetProperty("mib").GetInt32(); mib > 0; mib -= StepMiB)
                {
                    var step = GC.AllocateUninitializedArray<byte>(StepMiB * 1024 * 1024);
                    Array.Fill(step, (byte)1);
                    hoard.Add(step);
                }

                server.AnswerText(call, $"{hoard.Count * StepMiB} MiB");
            }
            catch (OutOfMemoryException)
            {
                // To say it takes some, too.
                var mib = hoard.Count * StepMiB;
                hoard.Clear();
                GC.Collect();
                Console.Error.WriteLine($"misbehave-server: no memory beyond {mib} MiB");
                Environment.Exit(7);
            }
        });
        return server.Run();
    }

    private static LineServer Sound()
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        return server;
    }

    // The runtime reads a duplicate of descriptor 0: the pipe is closed when all of them are.
    private static void CloseInput()
    {
        var pipe = new FileInfo("/proc/self/fd/0").LinkTarget;
        foreach (var path in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            if (new FileInfo(path).LinkTarget == pipe)
            {
                _ = Close(int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));
            }
        }
    }

    // The process itself is the only clock here: nobody else decides how fast it misbehaves.
    private static void Pause()
    {
        using var never = new ManualResetEventSlim();
        never.Wait(TimeSpan.FromMilliseconds(10));
    }

    private static void InBackground(Action again) => new Thread(() =>
    {
        while (true)
        {
            again();
        }
    })
    { IsBackground = true }.Start();

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
