namespace Fairlead.Measuring;

/// <summary>
/// Keeps the processors of this machine from going to sleep, for measurements of latency. A processor that has nothing to do is halted; on a virtual machine it is the host that wakes it, when it gets to it, and
/// that wait is of no program under test: on a shared host one wake-up in a hundred is a millisecond or two late. Linux offers to do without (<c>/dev/cpu_dma_latency</c>, documented as PM QoS) to who may write there.
/// </summary>
/// <remarks>Holds for all programs of the machine until disposed of, or until this process ends.</remarks>
internal sealed class AwakeProcessors : IDisposable
{
    private const string Device = "/dev/cpu_dma_latency";

    private readonly FileStream? _request;

    private AwakeProcessors(FileStream? request, string words)
    {
        _request = request;
        Words = words;
    }

    /// <summary>Whether they are kept awake.</summary>
    public bool IsKept => _request is not null;

    /// <summary>What came of it, for people: a clause such as "processors kept awake".</summary>
    public string Words { get; }

    /// <summary>Keeps them awake. Where that cannot be, nothing changes and <see cref="Words"/> says why.</summary>
    /// <param name="device">The file that takes the request.</param>
    public static AwakeProcessors Keep(string device = Device)
    {
        try
        {
            var request = new FileStream(device, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            try
            {
                // The longest time to wake up that is accepted, in microseconds, as a 32-bit number of this machine's byte order.
                request.Write(BitConverter.GetBytes(0));
                return new AwakeProcessors(request, "processors kept awake");
            }
            catch
            {
                request.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new AwakeProcessors(null, $"processors not kept awake: {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>They may sleep again.</summary>
    public void Dispose() => _request?.Dispose();
}
