namespace Fairlead.Threads;

/// <summary>Counts how often in a row a loop found something to read without waiting: after so many it must let others have its thread (<see cref="PoolThread"/>). Not for several threads at once.</summary>
internal struct ReaderTurn
{
    /// <summary>So many reads in a row are a turn.</summary>
    public const int ReadsMax = 16;

    private int _reads;

    /// <summary>Notes a read.</summary>
    /// <param name="waited">Whether it had to be waited for: others had the thread meanwhile.</param>
    /// <returns>Whether the turn is over.</returns>
    public bool IsOver(bool waited)
    {
        _reads = waited ? 0 : _reads + 1;
        if (_reads < ReadsMax)
        {
            return false;
        }

        _reads = 0;
        return true;
    }
}
