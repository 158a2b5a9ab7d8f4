using System.IO.Pipes;
using Fairlead.Processes;
using Fairlead.TestKit;

namespace Fairlead.Tests.Processes;

/// <summary>A real pipe of the system (Linux). What it holds is what a writer gets rid of while nobody reads.</summary>
public sealed class PipeCapacityTests
{
    [Fact]
    public async Task Read_WhenThePipeIsToBeNarrow_TheWriterWaitsSoonAndLaterHasItsRoomAgain()
    {
        using var writing = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        await using var reading = new UnixPipeStream(new AnonymousPipeClientStream(PipeDirection.In, writing.ClientSafePipeHandle));

        Assert.Equal(PipeCapacity.Default, await HeldAsync(writing, reading));
        reading.IsNarrow = true;
        await HeldAsync(writing, reading);
        Assert.Equal(Environment.SystemPageSize, await HeldAsync(writing, reading));
        reading.IsNarrow = false;
        await HeldAsync(writing, reading);
        Assert.Equal(PipeCapacity.Default, await HeldAsync(writing, reading));
    }

    [Fact]
    public async Task TrySet_WhenThePipeHoldsMore_SaysThatItMayBeTriedAgain()
    {
        using var writing = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        using var pipe = new AnonymousPipeClientStream(PipeDirection.In, writing.ClientSafePipeHandle);
        var bytes = new byte[3 * Environment.SystemPageSize];
        await writing.WriteAsync(bytes);

        Assert.False(PipeCapacity.TrySet(pipe.SafePipeHandle, PipeCapacity.Smallest));
        await pipe.ReadExactlyAsync(bytes);
        Assert.True(PipeCapacity.TrySet(pipe.SafePipeHandle, PipeCapacity.Smallest));
    }

    /// <summary>Fills the pipe to the last byte, then empties it.</summary>
    private static async Task<int> HeldAsync(AnonymousPipeServerStream writing, UnixPipeStream reading)
    {
        var held = 0;
        for (var chunk = new byte[Environment.SystemPageSize]; PollWritable(writing); held += chunk.Length)
        {
            writing.Write(chunk);
        }

        var buffer = new byte[held];
        for (var read = 0; read < held;)
        {
            read += await Guard.WithinAsync(reading.ReadAsync(buffer), "what the pipe holds");
        }

        return held;
    }

    // Writable means: a page is free, so a page never waits.
    private static bool PollWritable(AnonymousPipeServerStream writing)
    {
        var poll = new PollDescriptor { Descriptor = (int)writing.SafePipeHandle.DangerousGetHandle(), Events = 4 };
        return NativePoll(ref poll, 1, 0) == 1;
    }

    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "poll")]
    [System.Runtime.InteropServices.DefaultDllImportSearchPaths(System.Runtime.InteropServices.DllImportSearchPath.SafeDirectories)]
    private static extern int NativePoll(ref PollDescriptor descriptors, nuint count, int timeout);
}
