// Two short tones for a new message while the visitor looks elsewhere. No file to fetch; silent until the visitor has
// touched the chat, as browsers demand.
export function blip(): void {
  try {
    const audio = new AudioContext();
    if (audio.state !== 'running') {
      void audio.close();
      return;
    }
    const gain = audio.createGain();
    gain.connect(audio.destination);
    gain.gain.setValueAtTime(0.06, audio.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.35);
    [660, 880].forEach((frequency, i) => {
      const tone = audio.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(gain);
      tone.start(audio.currentTime + i * 0.12);
      tone.stop(audio.currentTime + i * 0.12 + 0.16);
      if (i === 1) tone.onended = () => void audio.close();
    });
  } catch {
    // No sound on this machine.
  }
}
